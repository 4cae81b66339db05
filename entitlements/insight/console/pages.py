"""What the benefit pages show, from the figures as they were last counted."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.engine.naming import name_of
from entitlements.benefits.models import Benefit, LadderVersion, TierBenefit
from entitlements.insight import dimensions
from entitlements.insight.models import BenefitMonth, BenefitReach, FiguresRun
from entitlements.insight.rules import BOTTOM, ENTITLED_MIN, months_back, shade, share, suggestion
from members.lifecycle.lifecycle import State
from members.people.rules import local_date
from members.plans.models import Tier
from members.segments.models import Segment

MONTHS = 12
# Counted every hour; two missed counts are worth a word.
LATE = timedelta(hours=3)
MOST_SEGMENTS = 20
CHART_HEIGHT = 100
COLUMN_STEP = 30

SUGGESTIONS: dict[str, str | Promise] = {
    "teach": _("A core benefit hardly anybody uses: show how it is used before anything else is added."),
    "replace": _("It costs money and few use it: replace it by one that more use."),
    "drop": _("Next to nobody uses it: replace it, or leave it out of the ladder."),
    "promote": _("Few use it: name it in the first week, or replace it."),
}


@dataclass
class Cell:
    """One month of a benefit: who used it, how much, and their share of those entitled."""

    benefit_id: int
    month: date
    members: int = 0
    uses: int = 0
    amount: int = 0
    worth_cents: int = 0
    entitled: int | None = None
    share: float | None = None

    @property
    def shade(self) -> int:
        return shade(self.share)

    @property
    def href(self) -> str:
        return dimensions.used_in_month(self.benefit_id, self.month)

    @property
    def percent(self) -> float:
        return round(100 * (self.share or 0), 1)


@dataclass
class Row:
    """A benefit with its figures. ``reach`` is None before the first count, or when nobody has it."""

    benefit: Benefit
    reach: BenefitReach | None
    months: list[Cell] = field(default_factory=list)

    @property
    def reached_share(self) -> float | None:
        return share(self.reach.reached, self.reach.entitled) if self.reach else None

    @property
    def used_share(self) -> float | None:
        return share(self.reach.used, self.reach.granted) if self.reach else None

    @property
    def worth_cents(self) -> int:
        return sum(cell.worth_cents for cell in self.months)

    @property
    def cost_cents(self) -> int:
        return self.benefit.cost_cents * sum(cell.amount for cell in self.months)

    @property
    def suggestion(self) -> str | Promise:
        return SUGGESTIONS[suggestion(self.reached_share or 0, self.cost_cents, self.benefit.is_core)]

    @property
    def held_href(self) -> str:
        return dimensions.held_by(self.benefit)

    @property
    def used_href(self) -> str:
        return dimensions.used_by(self.benefit)

    @property
    def limit_href(self) -> str:
        return dimensions.at_limit_of(self.benefit)


class _Figures:
    """What the pages of figures have in common: the last count, and whether the next one is overdue."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.months = months_back(local_date(at, settings.PROJECT_TIME_ZONE), MONTHS)

    @cached_property
    def run(self) -> FiguresRun | None:
        return FiguresRun.objects.order_by("-at").first()

    @property
    def is_late(self) -> bool:
        return self.run is not None and self.at - self.run.at > LATE


class Overview(_Figures):
    """Every benefit that is not archived. Reads each part once, when the page asks for it."""

    @cached_property
    def rows(self) -> list[Row]:
        reaches = {reach.benefit_id: reach for reach in BenefitReach.objects.filter(by=BenefitReach.By.ALL)}
        cells = monthly(self.months)
        order = {code: n for n, code in enumerate(Benefit.Category.values)}
        benefits = Benefit.objects.current().select_related("unlocked_by")
        return [
            Row(benefit, reaches.get(benefit.pk), _filled(benefit, cells, self.months, reaches.get(benefit.pk)))
            for benefit in sorted(benefits, key=lambda benefit: order[benefit.category])
        ]

    @property
    def groups(self) -> list[tuple[Any, list[Row]]]:
        labels = dict(Benefit.Category.choices)
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            found.setdefault(row.benefit.category, []).append(row)
        return [(labels[code], found[code]) for code in Benefit.Category.values if code in found]

    @property
    def core(self) -> list[Row]:
        return [row for row in self.rows if row.benefit.is_core]

    @property
    def bottom(self) -> list[Row]:
        """The least used of those that enough members have; of equal reach the dearest first."""
        judged = [row for row in self.rows if row.reach and row.reach.entitled >= ENTITLED_MIN]
        return sorted(judged, key=lambda row: (row.reached_share or 0, -row.benefit.cost_cents))[:BOTTOM]

    @property
    def entitled_min(self) -> int:
        return ENTITLED_MIN

    @property
    def archived(self) -> list[Benefit]:
        return list(Benefit.objects.filter(is_archived=True))


@dataclass(frozen=True)
class Part:
    """The figures of one part of the members."""

    label: str | Promise
    reach: BenefitReach
    held_href: str
    used_href: str
    state: str = ""

    @property
    def reached_share(self) -> float | None:
        return share(self.reach.reached, self.reach.entitled)

    @property
    def used_share(self) -> float | None:
        return share(self.reach.used, self.reach.granted)


@dataclass(frozen=True)
class Column:
    """One month of the trend, as a bar."""

    cell: Cell
    x: int
    height: float

    @property
    def y(self) -> float:
        return CHART_HEIGHT - self.height


class BenefitPortrait(_Figures):
    """One benefit. Reads each part once, when the page asks for it."""

    def __init__(self, benefit_id: int, *, at: datetime) -> None:
        super().__init__(at)
        found = Benefit.objects.select_related("unlocked_by", "consumed_by", "adornment")
        self.benefit: Benefit = get_object_or_404(found, pk=benefit_id)

    @cached_property
    def reaches(self) -> dict[str, list[BenefitReach]]:
        found: dict[str, list[BenefitReach]] = defaultdict(list)
        for reach in BenefitReach.objects.filter(benefit=self.benefit).order_by("-entitled", "value"):
            found[reach.by].append(reach)
        return found

    @cached_property
    def row(self) -> Row:
        everybody = next(iter(self.reaches["all"]), None)
        cells = monthly(self.months, self.benefit)
        return Row(self.benefit, everybody, _filled(self.benefit, cells, self.months, everybody))

    @property
    def columns(self) -> list[Column]:
        most = max((cell.members for cell in self.row.months), default=0)
        if not most:
            return []
        return [
            Column(cell, COLUMN_STEP * n, round(CHART_HEIGHT * cell.members / most, 1))
            for n, cell in enumerate(self.row.months)
        ]

    @property
    def by_tier(self) -> list[Part]:
        names = {str(tier.pk): name_of(tier) for tier in Tier.objects.all()}
        return [
            Part(
                names.get(reach.value) or _("Free tier"), reach, dimensions.held_by(self.benefit, reach.value),
                dimensions.used_by(self.benefit, reach.value),
            )
            for reach in self.reaches["tier"]
        ]  # fmt: skip

    @property
    def by_state(self) -> list[Part]:
        order = {state: n for n, state in enumerate(State.values)}
        found = sorted((r for r in self.reaches["state"] if r.value), key=lambda reach: order[reach.value])
        return [
            Part(
                State(reach.value).label, reach, dimensions.held_by(self.benefit, state=reach.value),
                dimensions.used_by(self.benefit, state=reach.value), reach.value,
            )
            for reach in found
        ]  # fmt: skip

    @property
    def by_segment(self) -> list[Part]:
        names = {str(segment.pk): name_of(segment) for segment in Segment.objects.live()}
        found = [reach for reach in self.reaches["segment"] if reach.value in names][:MOST_SEGMENTS]
        return [
            Part(
                names[reach.value], reach, dimensions.held_by(self.benefit, segment=reach.value),
                dimensions.used_by(self.benefit, segment=reach.value),
            )
            for reach in found
        ]  # fmt: skip

    @cached_property
    def cells(self) -> list[TierBenefit]:
        """What the ladder in force gives of it."""
        rows = TierBenefit.objects.filter(benefit=self.benefit, version__status=LadderVersion.Status.ACTIVE)
        return list(rows.select_related("tier").order_by("tier__position"))


def monthly(months: list[date], benefit: Benefit | None = None) -> dict[int, dict[date, Cell]]:
    """The months of one benefit or of all, everybody together."""
    rows = BenefitMonth.objects.filter(month__gte=months[0])
    if benefit:
        rows = rows.filter(benefit=benefit)
    sums = {f"all_{name}": Sum(name) for name in ("members", "uses", "amount", "worth_cents", "entitled")}
    found: dict[int, dict[date, Cell]] = defaultdict(dict)
    for benefit_id, month, *figures in rows.order_by().values_list("benefit_id", "month").annotate(**sums):
        found[benefit_id][month] = Cell(benefit_id, month, *figures)
    return found


def _filled(
    benefit: Benefit, counted: dict[int, dict[date, Cell]], months: list[date], reach: BenefitReach | None
) -> list[Cell]:
    """Every month; those nobody counted while they ran are held against whoever has the benefit now."""
    shown = [counted[benefit.pk].get(month) or Cell(benefit.pk, month) for month in months]
    for cell in shown:
        cell.share = share(cell.members, cell.entitled or (reach.entitled if reach else None))
    return shown
