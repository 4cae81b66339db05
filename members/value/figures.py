"""Figures about value as of the last refresh, kept until the next one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.core.cache import cache
from django.db.models import Case, Count, F, Q, Sum, Value, When
from django.db.models.functions import Coalesce, Least

from members.events.models import Source
from members.people.models import Member
from members.value.groups import BAND_BOUNDS
from members.value.models import GroupChange, MemberValue, ModelEvaluation, ValueRun, ValueSettings

SECONDS_KEPT = 600
BINS = 10
# Concentration: contribution below the cost, up to three times it, and above.
CONCENTRATIONS = {"below": (None, 1), "one_to_three": (1, 3), "above": (3, None)}
CHANGE_DAYS = 30


@dataclass(frozen=True)
class GroupFigures:
    members: int
    cents: int


def last_run() -> ValueRun | None:
    """The refresh whose scores are shown."""
    return ValueRun.objects.filter(finished_at__isnull=False).order_by("-finished_at", "-pk").first()


def waiting_run() -> ValueRun | None:
    """The refresh somebody waits for."""
    return ValueRun.objects.filter(finished_at__isnull=True).order_by("pk").first()


def silent_names(run: ValueRun | None) -> dict[str, list[str]]:
    """The sources that were silent at a refresh, by what they feed."""
    if run is None or not run.silent:
        return {}
    names = dict(
        Source.objects.filter(pk__in={pk for pks in run.silent.values() for pk in pks}).values_list("pk", "name")
    )
    return {feed: [names[pk] for pk in pks if pk in names] for feed, pks in run.silent.items()}


def oldest_as_of(feeds: dict[str, list[str]]) -> datetime | None:
    """The instant up to which what hangs on silent feeds is true; None where nothing is silent."""
    column = "rfm_as_of" if "money" in feeds else "risk_as_of"
    return MemberValue.objects.order_by(column).values_list(column, flat=True).first() if feeds else None


def by_group(run: ValueRun | None) -> dict[int | None, GroupFigures]:
    """Members and what they spent, by RFM group; None are those who bought nothing in the window."""

    def read() -> dict[int | None, GroupFigures]:
        rows = (
            MemberValue.objects.of_members()
            .values_list("rfm_group")
            .annotate(n=Count("pk"), cents=Sum("monetary_cents"))
        )
        return {group: GroupFigures(n, int(cents or 0)) for group, n, cents in rows.order_by()}

    return cast("dict[int | None, GroupFigures]", _kept("groups", run, read))


def maturity_counts(run: ValueRun | None, chosen: ValueSettings) -> dict[str, int]:
    """How many are mature, and for each part for how many it is known and agrees."""
    agrees = {
        "spend": ("spend_ratio", Q(spend_ratio__gt=float(chosen.spend_ratio_min))),
        "behaviour": ("active_days", Q(active_days__gte=chosen.active_days_min)),
        "advocacy": ("referral_rate", Q(referral_rate__gt=float(chosen.referral_percent_min) / 100)),
        "stability": ("spend_variation", Q(spend_variation__lt=float(chosen.variation_percent_max) / 100)),
    }
    counts: dict[str, Any] = {
        "mature": Count("pk", filter=Q(is_mature=True)),
        "judged": Count("pk", filter=Q(is_mature__isnull=False)),
    }
    for part, (column, passes) in agrees.items():
        counts[f"{part}_known"] = Count(column)
        counts[f"{part}_agrees"] = Count("pk", filter=passes)
    return cast("dict[str, int]", _kept("maturity", run, lambda: MemberValue.objects.of_members().aggregate(**counts)))


def maturity_histogram(run: ValueRun | None) -> list[int]:
    """Members by maturity score, in tenths."""
    return _histogram("maturity_score", run)


def risk_histogram(run: ValueRun | None) -> list[int]:
    """Members in cover by churn risk, in tenths."""
    return _histogram("risk_score", run)


def by_band(run: ValueRun | None) -> dict[str, int]:
    counts = {
        code: Count("pk", filter=Q(risk_score__gte=low, risk_score__lt=high))
        for code, (low, high) in BAND_BOUNDS.items()
    }
    return cast("dict[str, int]", _kept("bands", run, lambda: MemberValue.objects.of_members().aggregate(**counts)))


def by_concentration(run: ValueRun | None) -> dict[str, int]:
    """Members by contribution over cost; ``unknown`` where either is not known."""
    counts: dict[str, Any] = {"unknown": Count("pk", filter=Q(concentration__isnull=True))}
    for code, (low, high) in CONCENTRATIONS.items():
        within = Q(concentration__isnull=False)
        within &= Q(concentration__gte=low) if low is not None else Q()
        within &= Q(concentration__lt=high) if high is not None else Q()
        counts[code] = Count("pk", filter=within)
    counts["contribution"] = Coalesce(Sum("spend_month_cents", filter=Q(concentration__gt=0)), 0)
    counts["cost"] = Sum(F("spend_month_cents") / F("concentration"), filter=Q(concentration__gt=0))
    return cast(
        "dict[str, int]", _kept("concentration", run, lambda: MemberValue.objects.of_members().aggregate(**counts))
    )


def moves_between_groups(at: datetime) -> dict[tuple[int | None, int | None], int]:
    """How many moved from which group to which in the last ``CHANGE_DAYS``, first placements left out."""
    since = at - timedelta(days=CHANGE_DAYS)
    rows = GroupChange.objects.of_members().filter(at__gt=since, at__lte=at, from_group__isnull=False).order_by()
    return {(a, b): n for a, b, n in rows.values_list("from_group", "to_group").annotate(n=Count("pk"))}


def evaluation() -> ModelEvaluation | None:
    """The last measurement of the risk model."""
    return ModelEvaluation.objects.order_by("-made_at", "-pk").first()


def _histogram(column: str, run: ValueRun | None) -> list[int]:
    def read() -> list[int]:
        tenth = Case(When(**{f"{column}__isnull": False}, then=Least(F(column) / 10, Value(BINS - 1))))
        rows = MemberValue.objects.of_members().filter(**{f"{column}__isnull": False}).values_list(tenth)
        counts = dict(rows.annotate(n=Count("pk")).order_by())
        return [counts.get(number, 0) for number in range(BINS)]

    return cast("list[int]", _kept(column, run, read))


def _kept(name: str, run: ValueRun | None, read: Callable[[], Any]) -> Any:
    # A merge takes a member out of the lists at once.
    merged = Member.every.merged().count()
    return cache.get_or_set(f"value:{name}:{run.pk if run else 0}:{merged}", read, SECONDS_KEPT)
