"""What the value pages show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.engine.ids import read_id
from members.value import figures
from members.value.groups import ACTIONS, BAND_BOUNDS, Band, Group, bits_of
from members.value.models import GroupChange, ModelEvaluation, RfmThresholds, ValueRun, ValueSettings
from members.value.querysets.scoring import Shift
from members.value.weights import FEATURES, version_in_use

CHANGES_SHOWN = 50
CHART_WIDTH = 400
CHART_HEIGHT = 80

PARTS: dict[str, str | Promise] = {
    "spend": _("Spend"),
    "behaviour": _("Behaviour"),
    "advocacy": _("Advocacy"),
    "stability": _("Stability"),
}
CONCENTRATION_LABELS: dict[str, str | Promise] = {
    "below": _("Below the cost"),
    "one_to_three": _("1 to 3 times the cost"),
    "above": _("Over 3 times the cost"),
    "unknown": _("Unknown: no cost, or no spending yet"),
}


@dataclass(frozen=True)
class GroupCard:
    """One RFM group: who it is, how many, what they spent, what to do."""

    group: Group
    members: int
    cents: int
    share: float
    revenue_share: float

    @property
    def href(self) -> str:
        return f"{reverse('members:list')}?rfm={self.group.value}"

    @property
    def action(self) -> str | Promise:
        return ACTIONS[self.group]

    @property
    def bits(self) -> dict[str, bool]:
        recent, frequent, big = bits_of(self.group)
        return {"recent": recent, "frequent": frequent, "big": big}


@dataclass(frozen=True)
class Column:
    """One bar of a histogram over scores from ``low`` to ``high``, placed in a chart of fixed size."""

    low: int
    high: int
    members: int
    x: float
    height: float
    width: float = CHART_WIDTH / figures.BINS - 4
    band: str = ""

    @property
    def y(self) -> float:
        return CHART_HEIGHT - self.height


@dataclass(frozen=True)
class PartRow:
    """One part of maturity over all members."""

    label: str | Promise
    rule: str
    known: int
    agrees: int


@dataclass(frozen=True)
class Row:
    label: str | Promise
    members: int
    href: str = ""


class Overview:
    """Reads each part once, when the page asks for it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    @cached_property
    def run(self) -> ValueRun | None:
        return figures.last_run()

    @cached_property
    def waiting(self) -> ValueRun | None:
        return figures.waiting_run()

    @cached_property
    def settings(self) -> ValueSettings:
        return ValueSettings.objects.get()

    @cached_property
    def silent(self) -> dict[str, list[str]]:
        return figures.silent_names(self.run)

    @property
    def silent_words(self) -> str:
        return ", ".join(sorted({name for names in self.silent.values() for name in names}))

    @cached_property
    def as_of(self) -> datetime | None:
        return figures.oldest_as_of(self.silent)

    @cached_property
    def cards(self) -> list[GroupCard]:
        found = {group: f for group, f in figures.by_group(self.run).items() if group is not None}
        members, cents = sum(f.members for f in found.values()), sum(f.cents for f in found.values())
        none = figures.GroupFigures(0, 0)
        return [
            GroupCard(
                group, own.members, own.cents, own.members / members if members else 0,
                own.cents / cents if cents else 0,
            )
            for group in Group for own in [found.get(group.value, none)]
        ]  # fmt: skip

    @property
    def big_cards(self) -> list[GroupCard]:
        return self.cards[:4]

    @property
    def small_cards(self) -> list[GroupCard]:
        return self.cards[4:]

    @property
    def rated(self) -> int:
        return sum(card.members for card in self.cards)

    @property
    def unrated(self) -> int:
        found = figures.by_group(self.run).get(None)
        return found.members if found else 0

    @cached_property
    def maturity(self) -> dict[str, int]:
        return figures.maturity_counts(self.run, self.settings)

    @property
    def parts(self) -> list[PartRow]:
        words = rule_words(self.settings)
        return [
            PartRow(label, words[code], self.maturity[f"{code}_known"], self.maturity[f"{code}_agrees"])
            for code, label in PARTS.items()
        ]

    @cached_property
    def maturity_columns(self) -> list[Column]:
        return _columns(figures.maturity_histogram(self.run))

    @cached_property
    def risk_columns(self) -> list[Column]:
        return _columns(figures.risk_histogram(self.run), banded=True)

    @cached_property
    def bands(self) -> list[Row]:
        counts = figures.by_band(self.run)
        listed = reverse("members:list")
        return [Row(band.label, counts[band.value], f"{listed}?risk={band.value}") for band in Band]

    @property
    def in_cover(self) -> int:
        return sum(row.members for row in self.bands)

    @cached_property
    def evaluation(self) -> "EvaluationView | None":
        return evaluation_view()

    @cached_property
    def concentration(self) -> dict[str, Any]:
        return figures.by_concentration(self.run)

    @property
    def concentration_rows(self) -> list[Row]:
        return [Row(label, self.concentration[code]) for code, label in CONCENTRATION_LABELS.items()]

    @property
    def concentration_total(self) -> float | None:
        """Contribution over cost of everybody for whom both are known."""
        cost = self.concentration["cost"]
        return self.concentration["contribution"] / cost if cost else None

    @cached_property
    def moves(self) -> int:
        return sum(figures.moves_between_groups(self.at).values())

    @property
    def plan_thresholds(self) -> list[RfmThresholds]:
        return list(RfmThresholds.objects.filter(plan__isnull=False).select_related("plan").order_by("pk"))


@dataclass(frozen=True)
class EvaluationView:
    """The last measurement, and whether it is of the weights in use."""

    row: ModelEvaluation
    is_in_use: bool
    in_use: str

    @property
    def auc(self) -> str:
        return _between(self.row.auc_low, self.row.auc_high)

    @property
    def brier(self) -> str:
        return _between(self.row.brier_low, self.row.brier_high)


def _between(low: float, high: float) -> str:
    """A figure with its spread, in as many digits as it has: one where both ends read alike."""
    ends = f"{low:.2f}", f"{high:.2f}"
    return ends[0] if ends[0] == ends[1] else "–".join(ends)


def evaluation_view() -> EvaluationView | None:
    row = figures.evaluation()
    return EvaluationView(row, row.weights_version == version_in_use(), version_in_use()) if row else None


def model_features() -> list[dict[str, Any]]:
    """Every feature with its bins, the widest bar for the largest weight."""
    most = max(abs(piece.weight) for feature in FEATURES for piece in feature.bins)
    return [
        {
            "feature": feature,
            "bins": [{"bin": piece, "share": abs(piece.weight) / most} for piece in feature.bins],
        }
        for feature in FEATURES
    ]


def rule_words(chosen: ValueSettings) -> dict[str, str]:
    """When each part of maturity agrees, in words."""
    return {
        "spend": str(_("more than %s times the project's mean")) % f"{chosen.spend_ratio_min.normalize():f}",
        "behaviour": str(_("at least %s active days of the last 30")) % chosen.active_days_min,
        "advocacy": str(_("more than %s%% of invitations lead to a purchase"))
        % f"{chosen.referral_percent_min.normalize():f}",
        "stability": str(_("monthly spend varies by less than %s%%")) % f"{chosen.variation_percent_max.normalize():f}",
    }


@dataclass(frozen=True)
class GroupShift:
    """A group's members and revenue by present thresholds and by proposed ones."""

    label: str | Promise
    now: int
    then: int
    cents: int

    @property
    def change(self) -> int:
        return self.then - self.now


def shifts_by_group(shifts: Iterable[Shift]) -> list[GroupShift]:
    rows = list(shifts)
    return [
        GroupShift(
            label,
            sum(s.members for s in rows if s.now == group),
            sum(s.members for s in rows if s.then == group),
            sum(s.cents for s in rows if s.then == group),
        )
        for group, label in Group.choices
    ]


def movers(shifts: Iterable[Shift]) -> int:
    return sum(s.members for s in shifts if s.now != s.then)


class Changes:
    """Who moved from one RFM group to another, the latest first, a page at a time."""

    def __init__(self, *, before: str, source: str, target: str) -> None:
        self.source, self.target = (int(g) if g in {str(v) for v in Group.values} else None for g in (source, target))
        self.before = read_id(before)

    @cached_property
    def _rows(self) -> Sequence[GroupChange]:
        rows = GroupChange.objects.of_members().filter(from_group__isnull=False)
        if self.source:
            rows = rows.filter(from_group=self.source)
        if self.target:
            rows = rows.filter(to_group=self.target)
        if self.before:
            rows = rows.filter(pk__lt=self.before)
        return list(rows.select_related("member").order_by("-pk")[: CHANGES_SHOWN + 1])

    @property
    def rows(self) -> Sequence[GroupChange]:
        return self._rows[:CHANGES_SHOWN]

    @property
    def next_before(self) -> int | None:
        return self.rows[-1].pk if len(self._rows) > CHANGES_SHOWN else None


def move_matrix(at: datetime) -> list[dict[str, Any]]:
    """Moves of the last days as rows (from) of cells (to)."""
    found = figures.moves_between_groups(at)
    targets: list[int | None] = [*Group.values, None]
    return [
        {
            "group": Group(source),
            "cells": [{"to": target, "members": found.get((source, target), 0)} for target in targets],
        }
        for source in Group.values
        if any((source, target) in found for target in targets)
    ]


def _columns(counts: list[int], *, banded: bool = False) -> list[Column]:
    most = max(counts) or 1
    step = CHART_WIDTH / figures.BINS
    return [
        Column(
            10 * n, 100 if n == figures.BINS - 1 else 10 * n + 9, members, n * step + 2,
            round(CHART_HEIGHT * members / most, 1), band=_band(10 * n) if banded else "",
        )
        for n, members in enumerate(counts)
    ]  # fmt: skip


def _band(score: int) -> str:
    return next(code for code, (low, high) in BAND_BOUNDS.items() if low <= score < high)
