"""The scores follow the facts: all of them anew each night, when settings change, and when somebody asks."""

from datetime import datetime, time, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from config.audit.record import audit
from config.engine.money import digits_of, project_currency
from config.staff.models import User
from members.events.feeds import is_stale
from members.events.models import EventDefinition, Source
from members.value.models import RfmThresholds, ValueRun, ValueSettings
from members.value.querysets import scoring

# Local hour of the project's clock after which a new day's scores are due.
NIGHTLY_AT = time(3)
MONEY, ACTIVITY = "money", "activity"
THRESHOLD_FIELDS = (
    "window_days", "recency_by", "recency_value", "frequency_by", "frequency_value", "monetary_by", "monetary_value",
)  # fmt: skip


@transaction.atomic
def request_refresh(*, actor: User | None, at: datetime) -> ValueRun:
    """Ask for all scores anew; one that is waited for already is enough. The caller wakes the worker."""
    waiting = ValueRun.objects.filter(finished_at__isnull=True).order_by("pk").first()
    if waiting:
        return waiting
    run = ValueRun.objects.create(requested_at=at, requested_by=actor)
    if actor:
        audit(run, "value.requested", actor=actor, at=at)
    return run


def refresh_due(*, at: datetime) -> ValueRun | None:
    """Do the refresh somebody asked for, or the night's; returns it, or None when nothing was due.

    Safe to run twice at once: the second passes over what the first holds. After a crash it is done again, whole.
    """
    if _night_is_due(at):
        request_refresh(actor=None, at=at)
    with transaction.atomic():
        waiting = ValueRun.objects.select_for_update(skip_locked=True).filter(finished_at__isnull=True)
        run = waiting.order_by("pk").first()
        return _finish(run, at) if run else None


def refresh_now(*, at: datetime) -> ValueRun:
    """All scores anew as of ``at``, in the caller's turn; for commands and for loading data."""
    with transaction.atomic():
        return _finish(ValueRun.objects.create(requested_at=at), at)


def silent_sources(at: datetime) -> dict[str, list[int]]:
    """Sources that should have spoken and did not, by what they feed."""
    stale = [source for source in Source.objects.order_by("pk") if is_stale(source, at)]
    if not stale:
        return {}
    paying = scoring.sources_sending([source.pk for source in stale], _money_events(), since=None)
    found = {MONEY: sorted(paying), ACTIVITY: [source.pk for source in stale if source.is_activity_source]}
    return {feed: pks for feed, pks in found.items() if pks}


def parameters(*, at: datetime, thresholds: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """What the scoring statements take; ``thresholds`` in place of the saved ones."""
    chosen = ValueSettings.objects.get()
    connected = Source.objects.filter(is_activity_source=True, connected_at__isnull=False)
    return {
        "at": at,
        "zone": settings.PROJECT_TIME_ZONE,
        "thresholds": scoring.as_rows(saved_thresholds() if thresholds is None else thresholds),
        "money": _money_events(),
        "currency": chosen.currency,
        "unsaid": chosen.currency == project_currency(),
        "minor_power": 10 ** digits_of(chosen.currency),
        "counts_terms": chosen.counts_terms,
        "activity_since": connected.order_by("connected_at").values_list("connected_at", flat=True).first(),
        "spend_ratio_min": float(chosen.spend_ratio_min),
        "active_days_min": chosen.active_days_min,
        "referral_rate_min": float(chosen.referral_percent_min) / 100,
        "variation_max": float(chosen.variation_percent_max) / 100,
        # Without the two events nothing is known of anybody's referrals.
        "invited": chosen.invited_event_id if chosen.converted_event_id else None,
        "converted": chosen.converted_event_id if chosen.invited_event_id else None,
        "cost_attribute": chosen.cost_attribute,
    }


def saved_thresholds() -> list[dict[str, Any]]:
    return list(RfmThresholds.objects.order_by("pk").values("id", "plan_id", *THRESHOLD_FIELDS))


def _money_events() -> list[int]:
    return list(EventDefinition.objects.filter(carries_money=True).values_list("pk", flat=True))


def _night_is_due(at: datetime) -> bool:
    """Whether nothing was begun since the last time the clock of the project passed ``NIGHTLY_AT``."""
    local = at.astimezone(ZoneInfo(settings.PROJECT_TIME_ZONE))
    night = datetime.combine(local.date(), NIGHTLY_AT, tzinfo=local.tzinfo)
    if night > local:
        night -= timedelta(days=1)
    return not ValueRun.objects.filter(requested_at__gte=night).exists()


def _finish(run: ValueRun, at: datetime) -> ValueRun:
    began = monotonic()
    run.silent = silent_sources(at)
    result = scoring.refresh(parameters(at=at), silent=frozenset(run.silent))
    run.finished_at, run.members, run.moved = at, result.members, result.moved
    run.left_out = result.left_out
    run.took_ms = round((monotonic() - began) * 1000)
    run.save(update_fields=["finished_at", "members", "moved", "left_out", "took_ms", "silent"])
    return run
