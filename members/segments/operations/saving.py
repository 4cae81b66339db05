"""Segments are made, changed, fixed and put away here. Every change is a version with who, when and why."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from members.segments.compiler import ids_of
from members.segments.cycles import lock_reading, refuse_cycle
from members.segments.models import Segment, SegmentReference, SegmentSize, SegmentVersion
from members.segments.querysets import Diff, apply_diff
from members.segments.references import uses_of
from members.segments.schema import Rule, check_catalogues, segment_ids


@transaction.atomic
def save_segment(
    *,
    rule: Rule,
    actor: User | None,
    at: datetime,
    name: str,
    segment_id: int | None = None,
    base_version: int | None = None,
    name_zh: str = "",
    description: str = "",
    reason: str = "",
) -> Segment:
    """Save a dynamic segment under a rule, new or another version; returns it. The caller wakes ``refresh_segment``.

    ``base_version`` is the version the editor started from: another one saved meanwhile refuses this one. Raises
    RuleInvalid for values that do not exist and for rules that lead back to the segment, Refused otherwise.
    """
    check_catalogues(rule)
    lock_reading()
    if segment_id:
        refuse_cycle(rule, ("segment", segment_id))
    segment = _locked(segment_id) if segment_id else Segment(kind=Segment.Kind.DYNAMIC, created_at=at, created_by=actor)
    if segment.kind != Segment.Kind.DYNAMIC:
        raise Refused("static")
    if base_version is not None and base_version != segment.rule_version:
        raise Refused("stale")
    _refuse_taken_name(name, segment.pk)
    written = rule.model_dump(mode="json")
    is_new_rule = segment.rule != written
    segment.name, segment.name_zh, segment.description, segment.rule = name, name_zh, description, written
    segment.rule_version += is_new_rule
    segment.updated_at, segment.updated_by = at, actor
    segment.save()
    if is_new_rule:
        _keep_version(segment, actor=actor, at=at, reason=reason)
        _keep_references(segment, rule)
    audit(segment, "segment.saved", actor=actor, at=at, reason=reason, version=segment.rule_version)
    return segment


@transaction.atomic
def freeze(*, rule: Rule, actor: User | None, at: datetime, name: str, name_zh: str = "", reason: str = "") -> Segment:
    """Fix the members for whom the rule holds at ``at`` as a static segment; returns it."""
    check_catalogues(rule)
    segment = new_static(name, actor=actor, at=at, name_zh=name_zh, rule=rule.model_dump(mode="json"))
    _keep_version(segment, actor=actor, at=at, reason=reason)
    diff = fill(segment, ids_of(rule, at), at)
    audit(segment, "segment.frozen", actor=actor, at=at, reason=reason, members=diff.size)
    return segment


@transaction.atomic
def archive_segment(*, segment_id: int, actor: User | None, at: datetime, reason: str = "") -> Segment:
    """Put a segment away: it is refreshed and offered no more; its history stays. Refused while anything uses it."""
    # Against a rule that names it being saved at this moment.
    lock_reading()
    segment = _locked(segment_id)
    if uses_of(segment_id):
        raise Refused("in_use")
    segment.archived_at = segment.updated_at = at
    segment.updated_by = actor
    segment.save(update_fields=["archived_at", "updated_at", "updated_by"])
    SegmentReference.objects.filter(segment=segment).delete()
    audit(segment, "segment.archived", actor=actor, at=at, reason=reason)
    return segment


def record_diff(segment: Segment, diff: Diff, at: datetime) -> None:
    """Note the outcome of a refresh on the segment and, when anybody came or went, in the log of sizes."""
    if diff.entered or diff.left or segment.refreshed_at is None:
        SegmentSize.objects.update_or_create(
            segment=segment, at=at, defaults={"size": diff.size, "entered": diff.entered, "left": diff.left}
        )
    Segment.objects.filter(pk=segment.pk).update(size=diff.size, refreshed_at=at, failed_at=None)


def new_static(name: str, *, actor: User | None, at: datetime, name_zh: str, rule: dict[str, Any] | None) -> Segment:
    """A static segment without members yet; part of a transaction. Raises Refused for a name in use."""
    _refuse_taken_name(name, None)
    return Segment.objects.create(
        kind=Segment.Kind.STATIC, name=name, name_zh=name_zh, rule=rule, rule_version=1 if rule else 0,
        created_at=at, created_by=actor, updated_at=at, updated_by=actor,
    )  # fmt: skip


def fill(segment: Segment, member_ids: QuerySet, at: datetime) -> Diff:
    """Put the members of these ids (one column) into a segment just made."""
    diff = apply_diff(segment_id=segment.pk, wanted=member_ids, at=at)
    record_diff(segment, diff, at)
    segment.refresh_from_db(fields=["size", "refreshed_at"])
    return diff


def _keep_version(segment: Segment, *, actor: User | None, at: datetime, reason: str) -> None:
    SegmentVersion.objects.create(
        segment=segment, number=segment.rule_version, rule=segment.rule, saved_at=at, saved_by=actor, reason=reason
    )


def _keep_references(segment: Segment, rule: Rule) -> None:
    SegmentReference.objects.filter(segment=segment).delete()
    SegmentReference.objects.bulk_create(
        SegmentReference(segment=segment, target_id=target) for target in sorted(segment_ids(rule))
    )


def _refuse_taken_name(name: str, own_id: int | None) -> None:
    if Segment.objects.live().filter(name=name).exclude(pk=own_id).exists():
        raise Refused("name_taken")


def _locked(segment_id: int) -> Segment:
    segment = Segment.objects.live().select_for_update().filter(pk=segment_id).first()
    if segment is None:
        raise Refused("archived")
    return segment
