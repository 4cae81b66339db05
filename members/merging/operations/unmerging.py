"""A merge taken back: every row that changed hands goes back, what was written over is restored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models, transaction

from config.engine.refusal import Refused
from config.engine.rehearsal import rehearsal
from config.staff.models import User
from members.events.models import Event
from members.lifecycle.models import MemberLifecycle
from members.merging.models import MergeRecord
from members.merging.operations.merging import (
    HandOver,
    as_json,
    audit_both,
    bring_up,
    follow,
    gather_into,
    retried,
    tell_belongings,
)
from members.merging.operations.placing import judge, judge_on, judge_survivor, put_absorbed_back
from members.merging.operations.queues import begin_parting, finish_parting
from members.merging.querysets import moving
from members.people.belongings import BELONGINGS, Belonging
from members.people.models import Identity, Member
from members.tags.models import MemberTag
from members.terms.models import MembershipTerm
from members.terms.operations.rehearsing import Facts, Stretch


@dataclass(frozen=True)
class Unsplittable:
    """What came after a merge and stays with the survivor when it is taken back."""

    events: int
    terms: int
    fields: list[str]

    def __bool__(self) -> bool:
        return bool(self.events or self.terms or self.fields)


def unsplittable(record: MergeRecord) -> Unsplittable:
    """What taking back this merge could not give to either of the two: it came to the one member they were."""
    moved_events = {pk for _, pk in record.keys_of(Event)}
    moved_terms = {key[0] for key in record.keys_of(MembershipTerm)}
    events = Event.objects.filter(member=record.survivor_id, received_at__gt=record.merged_at)
    terms = MembershipTerm.objects.filter(member=record.survivor_id, booked_at__gt=record.merged_at)
    survivor = Member.every.get(pk=record.survivor_id)
    return Unsplittable(
        len(set(events.values_list("id", flat=True)) - moved_events),
        len(set(terms.values_list("pk", flat=True)) - moved_terms),
        _changed_since(survivor, record),
    )


def rehearse_undo(*, record_id: int, at: datetime) -> dict[int, list[Stretch]]:
    """What each of the two would have when the merge were undone, in order of time, by the member's number.

    The undo itself, tried and taken back. Raises Refused as it does, and ``busy`` while somebody changes one of them.
    """
    with rehearsal():
        record = unmerge_members(actor=None, at=at, record_id=record_id)
        pair = (record.survivor_id, record.absorbed_id)
        return {member_id: Facts.read(member_id, at).stretches for member_id in pair}


def first_to_undo(record: MergeRecord) -> MergeRecord | None:
    """The merge that has to be undone before this one; None when it is this one's turn.

    Merges are undone in reverse order: what a later one set aside may have come with this one.
    """
    heir = Member.every.survivor_of(record.survivor_id) or record.survivor
    last = MergeRecord.objects.in_force().filter(survivor=heir).order_by("-pk").first()
    return None if last is None or last.pk == record.pk else last


def unmerge_members(*, actor: User | None, at: datetime, record_id: int) -> MergeRecord:
    """Take a merge back and return its record, whose ``kept`` says what could not be split.

    Both members have their rows again, byte for byte, as far as nobody changed them since. A field that was edited
    after the merge keeps its value, rows that are gone stay gone, and what came after the merge stays with the
    survivor. The state of the absorbed member is what it was, and the engine judges both up to ``at``. A row that can
    not go back, because something reached since stands in its way, stays in the record and is listed for a person.
    Raises Refused: ``undone`` already, ``merged_on`` while the survivor is merged into somebody, or ``later_merge``
    (with the ``merge`` to undo first), ``terms_entangled`` when the terms do not fit as they were. Safe to run
    concurrently.
    """
    return retried(lambda: _unmerge(actor, at, record_id))


@transaction.atomic
def _unmerge(actor: User | None, at: datetime, record_id: int) -> MergeRecord:
    record = MergeRecord.objects.select_for_update().get(pk=record_id)
    if record.undone_at is not None:
        raise Refused("undone")
    if not MemberLifecycle.objects.select_for_update().filter(pk=record.survivor_id).exists():
        raise Refused("merged_on", **_named(first_to_undo(record)))
    if later := first_to_undo(record):
        raise Refused("later_merge", **_named(later))
    pair = [record.survivor_id, record.absorbed_id]
    people = {m.pk: m for m in Member.every.select_for_update(no_key=True).filter(pk__in=pair).order_by("pk")}
    survivor = people[record.survivor_id]
    moving.check_at_once()
    bring_up([record.survivor_id], at=at)
    older = _take_strays_back(record)
    _restore_tags(record)
    is_parted = begin_parting(record)
    gone = _give_back(record)
    _restore_identities(record)
    kept = {"fields": _restore_profile(survivor, record)} | gone.as_json()
    _restore_lifecycle(survivor, record)
    Member.every.filter(pk=record.absorbed_id).update(merged_into=None)
    put_absorbed_back(record.before["absorbed"])
    if is_parted and not moving.survive(lambda: finish_parting(record, at=at, actor=actor)):
        raise Refused("terms_entangled")
    judge_on(member_id=record.absorbed_id, since=record.merged_at, at=at, actor=actor)
    judge_survivor(record, at=at, actor=actor)
    moving.put_engine_rows(record.before.get("engines", {}))
    for other in older:
        gather_into(other)
    for member_id in sorted(pair):
        judge(member_id=member_id, at=at, actor=actor)
    record.undone_at, record.undone_by, record.kept = at, actor, kept
    record.save(update_fields=["undone_at", "undone_by", "kept"])
    follow(sorted(pair), at=at)
    record.pairs.update(merge=None)
    audit_both(record, "member.unmerged", actor, at, {"fields": kept["fields"], **gone.missing})
    return record


@transaction.atomic
def check_surplus(*, record_id: int, actor: User, at: datetime) -> bool:
    """Note that somebody has seen to what could not go back; returns False when there is nothing left to see to."""
    open_records = MergeRecord.objects.with_surplus().filter(pk=record_id)
    if not open_records.update(checked_at=at, checked_by=actor):
        return False
    audit_both(MergeRecord.objects.get(pk=record_id), "member.unmerge_checked", actor, at, {})
    return True


def _named(later: MergeRecord | None) -> dict[str, Any]:
    """What a refusal says of the merge to undo first."""
    if later is None:
        return {}
    return {"merge": later.pk, "absorbed": later.absorbed_id, "survivor": later.survivor_id}


@dataclass
class GoneSince:
    """What could not go back: how many moved rows are gone, and the rows that something stands in the way of."""

    missing: dict[str, int] = field(default_factory=dict)
    surplus: dict[str, list[Any]] = field(default_factory=dict)
    # What later parts brought back, by what tells one row of a member from another: it replaces what an earlier has.
    _replaced: set[tuple[Any, ...]] = field(default_factory=set)

    def note(self, belonging: Belonging, entries: list[dict[str, Any]]) -> None:
        self._replaced |= {_equal_key(belonging, entry.get("row", entry)) for entry in entries}

    def is_wanted(self, belonging: Belonging, row: dict[str, Any]) -> bool:
        return _equal_key(belonging, row) not in self._replaced

    def as_json(self) -> dict[str, Any]:
        return {"rows": self.missing} | ({"surplus": self.surplus} if self.surplus else {})


def _equal_key(belonging: Belonging, row: dict[str, Any]) -> tuple[Any, ...]:
    return belonging.table, *(row[column] for column in belonging.equal_by)


def _take_strays_back(record: MergeRecord) -> list[MergeRecord]:
    """Undo what older merges gathered behind this one; returns those merges, to gather anew."""
    older = MergeRecord.objects.in_force().select_for_update().filter(pk__lt=record.pk, before__has_key="strays")
    changed = []
    for other in older.order_by("-pk"):
        strays = other.before["strays"]
        later = [part for part in strays if part["behind"] >= record.pk]
        if not later:
            continue
        for part in reversed(later):
            _take_part_back(HandOver(part["moved"], part["set_aside"], part["images"]), other, GoneSince())
        other.before["strays"] = [part for part in strays if part not in later]
        other.save(update_fields=["before"])
        changed.append(other)
    return changed[::-1]


def _give_back(record: MergeRecord) -> GoneSince:
    """Hand the rows back and put the set-aside ones where they were, the last that changed hands first."""
    gone = GoneSince()
    parts = [HandOver(record.moved, record.set_aside, record.before.get("images", {}))]
    parts += [HandOver(part["moved"], part["set_aside"], part["images"]) for part in record.before.get("strays", [])]
    for part in reversed(parts):
        _take_part_back(part, record, gone)
    return gone


def _take_part_back(part: HandOver, record: MergeRecord, gone: GoneSince) -> None:
    pair = {"survivor": record.survivor_id, "absorbed": record.absorbed_id}
    for belonging in reversed(BELONGINGS.all()):
        table = belonging.table
        keys = part.moved.get(table, [])
        given, refused = moving.move_back(belonging, keys, **pair)
        refused += moving.insert(belonging, _deleted_since(belonging, part.images.get(table, [])))
        aside = part.set_aside.get(table, [])
        refused += [row for row in moving.put_back(belonging, aside) if gone.is_wanted(belonging, row)]
        gone.note(belonging, aside)
        if refused:
            gone.surplus[table] = gone.surplus.get(table, []) + refused
        if given < len(keys) and not belonging.revived:
            gone.missing[table] = gone.missing.get(table, 0) + len(keys) - given
    tell_belongings(part, list(pair.values()))
    for belonging in BELONGINGS:
        copies = [entry["copy"] for entry in part.set_aside.get(belonging.table, []) if "copy" in entry]
        if copies and belonging.left:
            belonging.left(record.survivor_id, copies)


def _deleted_since(belonging: Belonging, images: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of rows that moved those that are not there any more."""
    keys = [[row[name] for name in belonging.keys] for row in images]
    there = {row["id"] for row in moving.images(belonging, keys)}
    return [row for row in images if row["id"] not in there]


def _restore_identities(record: MergeRecord) -> None:
    for row in Identity.every.filter(pk__in=record.before["formers"], is_former=True):
        # She may have been given another since.
        if not Identity.objects.filter(member=row.member_id, kind=row.kind).exists():
            Identity.every.filter(pk=row.pk).update(is_former=False)


def _restore_tags(record: MergeRecord) -> None:
    """Without the tags the engine gave and took because of the merge, as far as they are the survivor's still."""
    tags = MemberTag.objects.filter(member=record.survivor_id)
    tags.filter(pk__in=record.after["tags"]["made"]).delete()
    open_codes = list(tags.filter(until__isnull=True).values_list("code", flat=True))
    for pk, said_by in record.after["tags"]["ended"]:
        tags.filter(pk=pk).exclude(code__in=open_codes).update(until=None, said_by=said_by)


def _changed_since(survivor: Member, record: MergeRecord) -> list[str]:
    """Profile fields and attributes that no longer hold what the merge wrote."""
    profile = [
        name
        for name, value in record.after["profile"].items()
        if name != "updated_at" and as_json(getattr(survivor, name)) != value
    ]
    attributes = survivor.attributes
    return profile + [name for name, value in record.after["attributes"].items() if attributes.get(name) != value]


def _restore_profile(survivor: Member, record: MergeRecord) -> list[str]:
    """Set the survivor's profile back where nobody changed it since; returns the fields somebody did change."""
    changed = _changed_since(survivor, record)
    before, had = record.before["profile"], record.before["attributes"]
    restored = [name for name in before if name != "updated_at" and name not in changed]
    if as_json(survivor.updated_at) == record.after["profile"]["updated_at"]:
        restored.append("updated_at")
    for name in restored:
        setattr(survivor, name, _from_json(Member, name, before[name]))
    taken = [name for name in record.after["attributes"] if name not in changed]
    survivor.attributes = {k: v for k, v in survivor.attributes.items() if k not in taken} | {
        name: had[name] for name in taken if name in had
    }
    survivor.save(update_fields=[*restored, "attributes"])
    return changed


def _from_json(model: type[models.Model], name: str, value: Any) -> Any:
    field: Any = model._meta.get_field(name)
    return field.to_python(value)


def _restore_lifecycle(survivor: Member, record: MergeRecord) -> None:
    row = MemberLifecycle.objects.get(pk=survivor.pk)
    before: Mapping[str, Any] = record.before["lifecycle"]
    after: Mapping[str, Any] = record.after["lifecycle"]
    values = {
        name: _from_json(MemberLifecycle, name, before[name])
        for name in before
        if as_json(getattr(row, name)) == after[name]
    }
    if values:
        MemberLifecycle.objects.filter(pk=survivor.pk).update(**values)
