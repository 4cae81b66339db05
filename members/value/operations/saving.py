"""What counts as high, when a member is mature and what a member costs, as operators set it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from config.audit.record import audit
from config.staff.models import User
from members.value.models import RfmThresholds, TierCost, ValueSettings
from members.value.operations.refreshing import THRESHOLD_FIELDS, parameters, request_refresh, saved_thresholds
from members.value.querysets import scoring


def preview_thresholds(*, plan_id: int | None, at: datetime, values: Mapping[str, Any]) -> list[scoring.Shift]:
    """Who would be in which RFM group if these thresholds were saved; nothing is written."""
    proposed = {"plan_id": plan_id, **{name: values[name] for name in THRESHOLD_FIELDS}}
    others = [row for row in saved_thresholds() if row["plan_id"] != plan_id]
    return scoring.preview(parameters(at=at, thresholds=[*others, {"id": 0, **proposed}]))


@transaction.atomic
def save_thresholds(*, plan_id: int | None, actor: User, at: datetime, values: Mapping[str, Any]) -> RfmThresholds:
    """Set the thresholds of the project (``plan_id`` None) or of one plan, and ask for a refresh."""
    chosen = {name: values[name] for name in THRESHOLD_FIELDS}
    rows = RfmThresholds.objects.select_for_update()
    if plan_id is None:
        before = rows.filter(plan__isnull=True).values(*THRESHOLD_FIELDS).first()
        RfmThresholds.objects.filter(plan__isnull=True).update(**chosen)
        saved = RfmThresholds.objects.get(plan__isnull=True)
    else:
        before = rows.filter(plan_id=plan_id).values(*THRESHOLD_FIELDS).first()
        saved, _ = RfmThresholds.objects.update_or_create(plan_id=plan_id, defaults=chosen)
    audit(saved, "value.thresholds", actor=actor, at=at, plan=plan_id, before=before, after=chosen)
    request_refresh(actor=actor, at=at)
    return saved


@transaction.atomic
def drop_thresholds(*, plan_id: int, actor: User, at: datetime) -> bool:
    """Judge the members of a plan by the project's thresholds again; False when they were already."""
    own = RfmThresholds.objects.select_for_update().filter(plan_id=plan_id).first()
    if own is None:
        return False
    audit(own, "value.thresholds_dropped", actor=actor, at=at, plan=plan_id)
    own.delete()
    request_refresh(actor=actor, at=at)
    return True


@transaction.atomic
def save_settings(*, actor: User, at: datetime, costs: Mapping[int, int | None], **values: Any) -> ValueSettings:
    """Set what the scores read and when a member is mature, and the monthly cost of each tier (None: not known)."""
    chosen = ValueSettings.objects.select_for_update().get()
    changed = sorted(name for name, value in values.items() if getattr(chosen, name) != value)
    for name, value in values.items():
        setattr(chosen, name, value)
    chosen.save(update_fields=list(values))
    known = {tier_id: cents for tier_id, cents in costs.items() if cents is not None}
    TierCost.objects.filter(tier_id__in=set(costs) - set(known)).delete()
    TierCost.objects.bulk_create(
        [TierCost(tier_id=tier_id, monthly_cents=cents) for tier_id, cents in known.items()],
        update_conflicts=True, unique_fields=["tier"], update_fields=["monthly_cents"],
    )  # fmt: skip
    by_tier = {str(tier_id): cents for tier_id, cents in costs.items()}
    audit(chosen, "value.settings", actor=actor, at=at, fields=changed, costs=by_tier)
    request_refresh(actor=actor, at=at)
    return chosen
