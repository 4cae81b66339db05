"""Two members become one. The other's rows go along by a statement per table, and a record keeps what undoing needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from django.db import OperationalError, transaction
from django.db.models.functions import Greatest, Least
from psycopg import errors

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import catch_up
from members.merging.models import DuplicatePair, MergeRecord
from members.merging.operations.choosing import ABSORBED, ATTRIBUTE, PROFILE, SINGLE_IDENTITIES, differences
from members.merging.operations.placing import judge, tag_changes
from members.merging.operations.queues import begin_joining, finish_joining
from members.merging.querysets import moving
from members.people.belongings import BELONGINGS, ENGINES
from members.people.models import Identity, Member

# A statement that read the members as they were before a merge can write only while its transaction lasts.
STRAYS_WITHIN = timedelta(hours=1)
ATTEMPTS = 3

Result = TypeVar("Result")


def merge_members(
    *, actor: User | None, at: datetime, survivor_id: int, absorbed_id: int, choices: Mapping[str, str] | None = None
) -> MergeRecord:
    """Merge one member into another and return the record of it.

    ``choices`` names, per field of ``differences``, whose value stays: ``survivor`` or ``absorbed``; where it is silent
    the usual one. Everything registered as a belonging changes hands; of identities of which a member goes by one at
    a time the other remains as a former one, so that programs and files that name it find the survivor. The engine
    judges the survivor at ``at``; with another state than before she is placed anew, as after an import of her
    history, so that a merge is neither a conversion nor a return.

    Terms of both lie in one queue then (``queues``). Raises Refused: ``same``, ``gone`` (one of them was merged
    meanwhile), ``beyond_calendar``. Safe to run
    concurrently: both lifecycle rows are locked in the order of their ids, as every operation on terms does. What was
    on its way to the absorbed member then is gathered by ``gather_strays``.
    """
    return retried(lambda: _merge(actor, at, survivor_id, absorbed_id, choices or {}))


@transaction.atomic
def _merge(
    actor: User | None, at: datetime, survivor_id: int, absorbed_id: int, choices: Mapping[str, str]
) -> MergeRecord:
    survivor, absorbed = _locked_pair(survivor_id, absorbed_id)
    bring_up([survivor_id, absorbed_id], at=at)
    before: dict[str, Any] = {
        "survivor": moving.lifecycle_image(survivor_id),
        "engines": moving.engine_rows([survivor_id, absorbed_id]),
    }
    joining = begin_joining(survivor.lifecycle, absorbed.lifecycle, at=at)
    before["terms"] = joining.as_json()
    chosen = {difference.key: difference.chosen(choices) for difference in differences(survivor, absorbed)}
    written, after = _write_profile(survivor, absorbed, chosen, at)
    before |= written
    before["formers"] = _retire_identities(survivor_id, absorbed_id, chosen)
    part = _hand_over(survivor_id, absorbed_id)
    before["images"] = part.images
    before["lifecycle"], after["lifecycle"] = _join_lifecycles(survivor, absorbed, chosen)
    before["absorbed"] = moving.lifecycle_row(absorbed_id)
    Member.objects.filter(pk=absorbed_id).update(merged_into=survivor)
    finish_joining(joining, survivor.lifecycle, at=at, actor=actor)
    with tag_changes(survivor_id) as tags:
        after["placed_anew"] = judge(member_id=survivor_id, at=at, actor=actor)
    record = MergeRecord.objects.create(
        survivor=survivor, absorbed=absorbed, merged_at=at, merged_by=actor, choices=chosen, moved=part.moved,
        set_aside=part.set_aside, before=before, after=after | {"tags": tags},
    )  # fmt: skip
    DuplicatePair.objects.of(absorbed_id).of(survivor_id).update(merge=record)
    follow([survivor_id], at=at)
    audit_both(record, "member.merged", actor, at, {table: len(keys) for table, keys in part.moved.items()})
    return record


def gather_strays(*, at: datetime) -> int:
    """Bring along what a transaction still wrote for a member while she was being merged; returns how many rows.

    Events, messages and the like that were read for the absorbed member just before and written just after. Safe to
    run at any time and concurrently.
    """
    gathered = 0
    recent = dict(
        MergeRecord.objects.in_force().since(at, STRAYS_WITHIN).order_by("pk").values_list("absorbed_id", "pk")
    )
    strayed = {pk for belonging in BELONGINGS for pk in moving.still_there(belonging, list(recent))} if recent else ()
    for absorbed_id in sorted(strayed):
        gathered += retried(lambda pk=recent[absorbed_id]: _gather(pk, at))  # type: ignore[misc]
    return gathered


@transaction.atomic
def _gather(record_id: int, at: datetime) -> int:
    record = MergeRecord.objects.in_force().select_for_update().filter(pk=record_id).first()
    if record is None:
        return 0
    heir = Member.every.survivor_of(record.absorbed_id)
    MemberLifecycle.objects.select_for_update().get(member_id=heir.pk)
    gathered = gather_into(record)
    if gathered:
        judge(member_id=heir.pk, at=at, actor=None)
        follow([heir.pk], at=at)
    return gathered


def gather_into(record: MergeRecord) -> int:
    """Hand over what lies with the absorbed member of a merge, a step at a time to the end of the chain.

    Each step is noted by the merge whose step it is, with the last merge before it: what is taken back goes in reverse
    order. Returns how many rows moved. The caller holds the lifecycle row of the member at the end.
    """
    gathered = 0
    step: MergeRecord | None = record
    while step is not None:
        if part := _hand_over(step.survivor_id, step.absorbed_id):
            last = MergeRecord.objects.in_force().order_by("-pk").values_list("pk", flat=True)[0]
            step.before.setdefault("strays", []).append({"behind": last} | part.as_json())
            step.save(update_fields=["before"])
            gathered += part.rows
        step = MergeRecord.objects.in_force().filter(absorbed=step.survivor_id).first()
    return gathered


@dataclass
class HandOver:
    """Rows that changed hands at once: per table the keys of those that moved, some of them whole, those set aside."""

    moved: dict[str, list[Any]] = field(default_factory=dict)
    set_aside: dict[str, list[Any]] = field(default_factory=dict)
    images: dict[str, list[Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.moved or self.set_aside)

    @property
    def rows(self) -> int:
        copies = sum("copy" in entry for entries in self.set_aside.values() for entry in entries)
        return sum(map(len, self.moved.values())) + copies

    def as_json(self) -> dict[str, Any]:
        return {"moved": self.moved, "set_aside": self.set_aside, "images": self.images}


def _hand_over(survivor_id: int, absorbed_id: int) -> HandOver:
    """Move every belonging, or set it aside."""
    part = HandOver()
    for belonging in BELONGINGS:
        aside = moving.join_equal(belonging, survivor=survivor_id, absorbed=absorbed_id)
        if belonging.copied:
            aside += moving.copy(belonging, survivor=survivor_id, absorbed=absorbed_id)
        if keys := moving.move(belonging, survivor=survivor_id, absorbed=absorbed_id):
            part.moved[belonging.table] = keys
            if belonging.revived:
                part.images[belonging.table] = [
                    row | {"member_id": absorbed_id} for row in moving.images(belonging, keys)
                ]
        if aside:
            part.set_aside[belonging.table] = aside
    tell_belongings(part, [survivor_id, absorbed_id])
    return part


def tell_belongings(part: HandOver, member_ids: Sequence[int]) -> None:
    """Let the rooms know whose rows changed hands."""
    for belonging in BELONGINGS:
        aside = part.set_aside.get(belonging.table, [])
        if belonging.moved and (aside or part.moved.get(belonging.table)):
            belonging.moved(member_ids)
        if aside and belonging.recount:
            # The counts of a table may not be brought in line where a cap was reached since; nothing else hangs on it.
            moving.survive(lambda b=belonging, a=aside: b.recount([entry.get("row", entry) for entry in a]) or True)  # type: ignore[misc]


def follow(member_ids: Sequence[int], *, at: datetime) -> None:
    """Bring what engines made of members' rows in line, of those who stand."""
    for engine in sorted(ENGINES, key=lambda engine: not engine.is_source):
        engine.follow(member_ids, at)


def bring_up(member_ids: Sequence[int], *, at: datetime) -> None:
    """Have everything that is due by now judged by each one's own facts, before they become the other's."""
    catch_up(member_ids=member_ids, at=at)
    follow(member_ids, at=at)


def retried(attempt: Callable[[], Result]) -> Result:
    """Try again when PostgreSQL chose this transaction to end a deadlock."""
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.DeadlockDetected):
                raise
    return attempt()


def audit_both(record: MergeRecord, action: str, actor: User | None, at: datetime, data: Mapping[str, Any]) -> None:
    """Audit the act on both members, so that each one's timeline tells it."""
    for member_id, other_id in (
        (record.survivor_id, record.absorbed_id),
        (record.absorbed_id, record.survivor_id),
    ):
        reason = f"#{record.absorbed_id} → #{record.survivor_id}"
        audit(record, action, actor=actor, at=at, reason=reason, member_id=member_id, **data, other=other_id)


def as_json(value: Any) -> Any:
    """A field's value as the record keeps it."""
    return value.isoformat() if isinstance(value, date) else value


def _locked_pair(survivor_id: int, absorbed_id: int) -> tuple[Member, Member]:
    if survivor_id == absorbed_id:
        raise Refused("same")
    pair = [survivor_id, absorbed_id]
    standing = list(MemberLifecycle.objects.select_for_update().filter(pk__in=pair).order_by("pk"))
    people = Member.objects.select_for_update(no_key=True).filter(pk__in=pair).order_by("pk")
    by_id = {member.pk: member for member in people}
    if len(standing) < 2 or len(by_id) < 2:
        raise Refused("gone")
    for row in standing:
        row.member = by_id[row.member_id]
        by_id[row.member_id].lifecycle = row
    return by_id[survivor_id], by_id[absorbed_id]


def _write_profile(
    survivor: Member, absorbed: Member, chosen: Mapping[str, str], at: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the survivor what was chosen of the other's profile; returns what was written over and what now stands."""
    taken = [name for name in PROFILE if chosen.get(name) == ABSORBED]
    before = {name: as_json(getattr(survivor, name)) for name in taken}
    after = {name: as_json(getattr(absorbed, name)) for name in taken}
    theirs = [key for key, whose in chosen.items() if key.startswith(ATTRIBUTE) and whose == ABSORBED]
    names = [key.removeprefix(ATTRIBUTE) for key in theirs]
    attributes = {name: absorbed.attributes[name] for name in names if name in absorbed.attributes}
    had = {name: survivor.attributes[name] for name in names if name in survivor.attributes}
    for name in taken:
        setattr(survivor, name, getattr(absorbed, name))
    survivor.attributes = survivor.attributes | attributes
    before["updated_at"], survivor.updated_at = as_json(survivor.updated_at), at
    after["updated_at"] = as_json(at)
    survivor.save(update_fields=[*taken, "attributes", "updated_at"])
    return {"profile": before, "attributes": had}, {"profile": after, "attributes": attributes}


def _retire_identities(survivor_id: int, absorbed_id: int, chosen: Mapping[str, str]) -> list[int]:
    """Of two numbers or addresses keep one as the present one; returns the ids of those that became former ones."""
    retired: list[int] = []
    for kind in SINGLE_IDENTITIES:
        rows = {row.member_id: row for row in Identity.objects.filter(member__in=[survivor_id, absorbed_id], kind=kind)}
        if len(rows) == 2:
            retired.append(rows[survivor_id if chosen.get(kind.value) == ABSORBED else absorbed_id].pk)
    Identity.objects.filter(pk__in=retired).update(is_former=True)
    return retired


def _join_lifecycles(
    survivor: Member, absorbed: Member, chosen: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the engine does not work out itself: since when she is known, last activity, time zone."""
    ours, theirs = survivor.lifecycle, absorbed.lifecycle
    names = ("known_since", "last_active_time", "time_zone")
    before = {name: as_json(getattr(ours, name)) for name in names}
    zone = theirs.time_zone if chosen.get("time_zone") == ABSORBED else ours.time_zone
    MemberLifecycle.objects.filter(pk=survivor.pk).update(
        known_since=Least("known_since", theirs.known_since),
        last_active_time=Greatest("last_active_time", theirs.last_active_time),
        time_zone=zone,
    )
    ours.refresh_from_db(fields=names)
    return before, {name: as_json(getattr(ours, name)) for name in names}
