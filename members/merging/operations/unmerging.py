"""A merge taken back: every row that changed hands goes back, what was written over is restored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models, transaction

from config.engine.refusal import Refused
from config.staff.models import User
from members.events.models import Event
from members.lifecycle.models import MemberLifecycle
from members.merging.models import MergeRecord
from members.merging.operations.merging import as_json, audit_both, retried
from members.merging.operations.placing import judge
from members.merging.querysets import moving
from members.people.belongings import BELONGINGS
from members.people.models import Identity, Member
from members.tags.models import MemberTag
from members.terms.models import MembershipTerm


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
    moved_events = {pk for _, pk in record.moved.get(Event._meta.db_table, [])}
    moved_terms = {pk for (pk,) in record.moved.get(MembershipTerm._meta.db_table, [])}
    events = Event.objects.filter(member=record.survivor_id, received_at__gt=record.merged_at)
    terms = MembershipTerm.objects.filter(member=record.survivor_id, booked_at__gt=record.merged_at)
    survivor = Member.every.get(pk=record.survivor_id)
    return Unsplittable(
        len(set(events.values_list("id", flat=True)) - moved_events),
        len(set(terms.values_list("pk", flat=True)) - moved_terms),
        _changed_since(survivor, record),
    )


def unmerge_members(*, actor: User | None, at: datetime, record_id: int) -> MergeRecord:
    """Take a merge back and return its record, whose ``kept`` says what could not be split.

    Both members have their rows again, byte for byte, as far as nobody changed them since. A field that was edited
    after the merge keeps its value, rows that are gone stay gone, and what came after the merge stays with the
    survivor. The engine judges both at ``at``, and the latest active day is looked up again when it matters. Raises
    Refused: ``undone`` already, or ``merged_on`` while the survivor herself is merged into somebody. Safe to run
    concurrently.
    """
    return retried(lambda: _unmerge(actor, at, record_id))


@transaction.atomic
def _unmerge(actor: User | None, at: datetime, record_id: int) -> MergeRecord:
    record = MergeRecord.objects.select_for_update().get(pk=record_id)
    if record.undone_at is not None:
        raise Refused("undone")
    if not MemberLifecycle.objects.select_for_update().filter(pk=record.survivor_id).exists():
        raise Refused("merged_on")
    pair = [record.survivor_id, record.absorbed_id]
    people = {m.pk: m for m in Member.every.select_for_update(no_key=True).filter(pk__in=pair).order_by("pk")}
    survivor = people[record.survivor_id]
    _restore_tags(record)
    missing = _give_back(record)
    _restore_identities(record)
    kept = {"fields": _restore_profile(survivor, record), "rows": missing}
    _restore_lifecycle(survivor, record)
    Member.every.filter(pk=record.absorbed_id).update(merged_into=None)
    moving.place_anew(record.before["absorbed"])
    for member_id in sorted(pair):
        judge(member_id=member_id, at=at, actor=actor)
    record.undone_at, record.undone_by, record.kept = at, actor, kept
    record.save(update_fields=["undone_at", "undone_by", "kept"])
    record.pairs.update(merge=None)
    audit_both(record, "member.unmerged", actor, at, {"fields": kept["fields"], **missing})
    return record


def _give_back(record: MergeRecord) -> dict[str, int]:
    """Hand the rows back and put the set-aside ones where they were; returns how many per table were gone."""
    missing = {}
    for belonging in reversed(BELONGINGS.all()):
        keys = record.moved.get(belonging.table, [])
        given = moving.move_back(belonging, keys, survivor=record.survivor_id, absorbed=record.absorbed_id)
        if given < len(keys):
            missing[belonging.table] = len(keys) - given
        rows = record.set_aside.get(belonging.table, [])
        moving.put_back(belonging, rows)
        if rows and belonging.recount:
            belonging.recount(rows)
        if given and belonging.moved:
            belonging.moved([record.survivor_id, record.absorbed_id])
    return missing


def _restore_identities(record: MergeRecord) -> None:
    for row in Identity.every.filter(pk__in=record.before["formers"], is_former=True):
        # She may have been given another since.
        if not Identity.objects.filter(member=row.member_id, kind=row.kind).exists():
            Identity.every.filter(pk=row.pk).update(is_former=False)


def _restore_tags(record: MergeRecord) -> None:
    """Without the tags the engine gave and took because of the merge, as far as they are the survivor's still."""
    tags = MemberTag.objects.filter(member=record.survivor_id)
    tags.filter(pk__in=record.after["tags"]["made"]).delete()
    open_codes = tags.filter(until__isnull=True).values("code")
    tags.filter(pk__in=record.after["tags"]["ended"]).exclude(
        code__in=list(open_codes.values_list("code", flat=True))
    ).update(until=None)


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
