"""The ladder's way into force: changed cell by cell in a draft, submitted, approved by a second person, rolled out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from config.audit.record import audit
from config.engine.refusal import Refused
from config.engine.reviewed.lifecycle import Status
from config.engine.reviewed.operations import Review
from config.staff.models import User
from entitlements.benefits.models import FREE, Benefit, LadderVersion, PlanBenefit, TierBenefit
from entitlements.ladder import querysets
from entitlements.ladder.changes import Impact, changes_of, foresee, impact_of, reach_for, reaches, touched_by
from members.plans.models import Plan, Tier


class LadderReview(Review[LadderVersion]):
    """The ladder under review; whoever puts it in force wakes ``settle_due``, which looks at whom it touches."""

    model = LadderVersion
    code = "ladder"

    def copy_from(self, draft: LadderVersion, active: LadderVersion) -> None:
        _copy(active.cells.all(), draft)
        _copy(active.additions.all(), draft)

    def content_of(self, version: LadderVersion) -> dict[str, Any]:
        """Each cell by benefit and place: amount, level, and for a tier whether it is held and the early hours."""
        cells = {
            f"{cell.benefit.code} {cell.tier.code if cell.tier else FREE}": [
                cell.amount, cell.level, cell.is_held_in_grace, cell.early_hours,
            ]
            for cell in version.cells.select_related("benefit", "tier")
        }  # fmt: skip
        additions = version.additions.select_related("benefit", "plan")
        return cells | {f"{row.benefit.code} plan:{row.plan.code}": [row.amount, row.level] for row in additions}

    def preview(self, version: LadderVersion, at: datetime) -> dict[str, Any]:
        """What it changes for whom as it is now."""
        known, active = reaches(), active_ladder()
        changes = changes_of(version, active)
        touched = touched_by(foresee(changes, active, version, at=at))
        impacts = [impact_of(change, touched.get(change.code, ()), reach_for(change, known)) for change in changes]
        return {"changes": [_kept(impact) for impact in impacts]}

    def on_active(self, version: LadderVersion, former: LadderVersion | None, at: datetime) -> None:
        changes = changes_of(version, former) if former else []
        tiers = {change.tier.pk if change.tier else None for change in changes if change.plan is None}
        plans = {change.plan.pk for change in changes if change.plan is not None}
        querysets.mark_due(at, tiers, plans)


REVIEW = LadderReview()


def active_ladder() -> LadderVersion:
    """The version in force."""
    return REVIEW.active()


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
    Raises Refused(``waiting``) while a version waits for its approval or its day, and ``unknown_level``.
    """
    if values and values.get("level") and values["level"] not in benefit.levels:
        raise Refused("unknown_level")
    draft = _draft(actor, at)
    model: type[TierBenefit] | type[PlanBenefit] = TierBenefit if plan is None else PlanBenefit
    where: dict[str, Any] = {"version": draft, "benefit": benefit}
    where |= {"tier": tier} if plan is None else {"plan": plan}
    model.objects.filter(**where).delete()
    if values is not None:
        if not benefit.has_limit:
            values = {**values, "amount": None}
        model.objects.create(**where, **values)
    REVIEW.touch(draft, actor)
    place = f"plan:{plan.code}" if plan else tier.code if tier else FREE
    changed = {"benefit": benefit.code, "on": place, **(values or {})}
    audit(draft, "ladder.changed", actor=actor, at=at, version=draft.version, **changed)
    return draft


@transaction.atomic
def submit_ladder(
    *, version_id: int, actor: User, at: datetime, note: str, starts_at: datetime | None = None
) -> LadderVersion:
    """Ask a second person, with what it changes for whom as it is now. Raises Refused, as ``Review.submit``."""
    draft = REVIEW.locked(version_id, Status.DRAFT)
    draft.note, draft.preview, draft.previewed_at = note, REVIEW.preview(draft, at), at
    draft.save(update_fields=["note", "preview", "previewed_at"])
    return REVIEW.submit(version_id, actor=actor, at=at, starts_at=starts_at)


def _draft(actor: User, at: datetime) -> LadderVersion:
    # The one active row is the turnstile: two first changes at once make one draft.
    LadderVersion.objects.select_for_update().get(status=Status.ACTIVE)
    coming = LadderVersion.objects.coming().first()
    if coming is None:
        return REVIEW.propose(actor=actor, at=at)
    if coming.status != Status.DRAFT:
        raise Refused("waiting")
    return coming


def _copy(cells: QuerySet, draft: LadderVersion) -> None:
    copies = list(cells)
    for cell in copies:
        cell.pk, cell.version = None, draft
    cells.model.objects.bulk_create(copies)


def _kept(impact: Impact) -> dict[str, Any]:
    change = impact.change
    return {
        "benefit": change.benefit.code, "tier": change.tier.code if change.tier else None,
        "plan": change.plan.code if change.plan else None, "kind": change.kind, "members": impact.members,
        "granted": impact.granted, "cost_cents": round(impact.cost.expected) if impact.cost else None,
        "cost_is_once": impact.is_once,
    }  # fmt: skip
