"""The ladder's way into force: changed cell by cell in a draft, submitted, approved by a second person, rolled out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.benefits.models import Benefit, LadderVersion, PlanBenefit, TierBenefit
from entitlements.ladder import querysets
from entitlements.ladder.changes import changes_of, impact_of, reach_for, reaches
from members.plans.models import Plan, Tier

Status = LadderVersion.Status


def active_ladder() -> LadderVersion:
    """The version in force."""
    return LadderVersion.objects.get(status=Status.ACTIVE)


@transaction.atomic
def set_cell(
    *,
    benefit: Benefit,
    tier: Tier | None,
    plan: Plan | None,
    values: Mapping[str, Any] | None,
    actor: User,
    at: datetime,
) -> LadderVersion:
    """Change one cell of the draft, begun now where there is none; returns the draft.

    ``values`` are the cell's columns, None takes the benefit away. A plan names an addition, no tier the free tier.
    Raises Refused(``waiting``) while a version waits for its approval or its day.
    """
    draft = _draft(actor, at)
    model: type[TierBenefit] | type[PlanBenefit] = TierBenefit if plan is None else PlanBenefit
    where: dict[str, Any] = {"version": draft, "benefit": benefit}
    where |= {"tier": tier} if plan is None else {"plan": plan}
    model.objects.filter(**where).delete()
    if values is not None:
        if not benefit.has_limit:
            values = {**values, "amount": None}
        model.objects.create(**where, **values)
    draft.preview, draft.previewed_at = None, None
    draft.save(update_fields=["preview", "previewed_at"])
    place = f"plan:{plan.code}" if plan else tier.code if tier else "free"
    changed = {"benefit": benefit.code, "on": place, **(values or {})}
    audit(draft, "ladder.changed", actor=actor, at=at, version=draft.version, **changed)
    return draft


@transaction.atomic
def discard_draft(*, version_id: int, actor: User, at: datetime) -> None:
    """Throw the draft away; nothing of it was ever in force. Raises Refused when it is none any more."""
    draft = _locked(version_id, Status.DRAFT)
    audit(draft, "ladder.discarded", actor=actor, at=at, version=draft.version)
    draft.delete()


@transaction.atomic
def submit_ladder(
    *, version_id: int, actor: User, at: datetime, note: str, starts_at: datetime | None = None
) -> LadderVersion:
    """Ask a second person, with what it changes for whom as it is now.

    Raises Refused(``unchanged``), or ``past`` for a ``starts_at`` that is over.
    """
    draft = _locked(version_id, Status.DRAFT)
    if starts_at is not None and starts_at <= at:
        raise Refused("past")
    changes = changes_of(draft, active_ladder())
    if not changes:
        raise Refused("unchanged")
    where, known = querysets.places(), reaches()
    impacts = [impact_of(change, where, reach_for(change, known)) for change in changes]
    draft.preview = {
        "changes": [
            {"benefit": i.change.benefit.code, "tier": i.change.tier.code if i.change.tier else None,
             "plan": i.change.plan.code if i.change.plan else None, "kind": i.change.kind, "members": i.members,
             "granted": i.granted, "cost_cents": round(i.cost.expected) if i.cost else None,
             "cost_is_once": i.is_once}
            for i in impacts
        ]
    }  # fmt: skip
    draft.previewed_at, draft.note, draft.starts_at = at, note, starts_at
    draft.submit()
    draft.save(update_fields=["status", "preview", "previewed_at", "note", "starts_at"])
    audit(draft, "ladder.submitted", actor=actor, at=at, reason=note, version=draft.version)
    return draft


@transaction.atomic
def approve_ladder(*, version_id: int, actor: User, at: datetime, reason: str) -> LadderVersion:
    """Let a submitted version come into force, at once or on its day; the caller wakes ``settle_due``.

    Raises Refused when ``actor`` proposed it, or it no longer waits.
    """
    version = _locked(version_id, Status.SUBMITTED)
    if version.created_by_id == actor.pk:
        raise Refused("same_person")
    version.approve()
    version.approved_by = actor
    version.save(update_fields=["status", "approved_by"])
    audit(version, "ladder.approved", actor=actor, at=at, reason=reason, version=version.version)
    activate_due(at=at)
    return LadderVersion.objects.get(pk=version_id)


@transaction.atomic
def reject_ladder(*, version_id: int, actor: User, at: datetime, reason: str) -> LadderVersion:
    """Keep a version out of force that waits for its approval or its day."""
    version = _locked(version_id, Status.SUBMITTED, Status.SCHEDULED)
    version.reject()
    version.save(update_fields=["status"])
    audit(version, "ladder.rejected", actor=actor, at=at, reason=reason, version=version.version)
    return version


@transaction.atomic
def activate_due(*, at: datetime) -> int:
    """Put an approved version in force whose time has come; returns how many members the engine will look at."""
    former = LadderVersion.objects.select_for_update().get(status=Status.ACTIVE)
    version = LadderVersion.objects.to_activate(at).select_for_update().first()
    if version is None:
        return 0
    changes = changes_of(version, former)
    former.retire()
    former.save(update_fields=["status"])
    version.activate()
    version.activated_at = at
    version.save(update_fields=["status", "activated_at"])
    audit(version, "ladder.activated", actor=None, at=at, version=version.version)
    tiers = {change.tier.pk if change.tier else None for change in changes if change.plan is None}
    plans = {change.plan.pk for change in changes if change.plan is not None}
    return querysets.mark_due(at, tiers, plans)


def _draft(actor: User, at: datetime) -> LadderVersion:
    # The one active row is the turnstile: two first changes at once make one draft.
    active = LadderVersion.objects.select_for_update().get(status=Status.ACTIVE)
    coming = LadderVersion.objects.coming().first()
    if coming is not None:
        if coming.status != Status.DRAFT:
            raise Refused("waiting")
        return coming
    newest = LadderVersion.objects.aggregate(newest=Max("version"))["newest"]
    draft = LadderVersion.objects.create(version=newest + 1, created_at=at, created_by=actor)
    _copy(active.cells.all(), draft)
    _copy(active.additions.all(), draft)
    return draft


def _copy(cells: QuerySet, draft: LadderVersion) -> None:
    copies = list(cells)
    for cell in copies:
        cell.pk, cell.version = None, draft
    cells.model.objects.bulk_create(copies)


def _locked(version_id: int, *statuses: str) -> LadderVersion:
    version = LadderVersion.objects.select_for_update().filter(pk=version_id).first()
    if version is None or version.status not in statuses:
        raise Refused("not_waiting")
    return version
