"""The ladder as its page shows it: a row a benefit, a column a tier, before and after in each cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import pairwise

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from config.engine.naming import name_of
from entitlements.benefits.models import FREE, Benefit, LadderVersion, TierBenefit
from entitlements.insight.models import BenefitMonth, BenefitReach, FiguresRun
from entitlements.insight.rules import months_back
from entitlements.ladder import querysets
from entitlements.ladder.changes import (
    Cell,
    Change,
    Impact,
    changes_of,
    foresee,
    impact_of,
    reach_for,
    reaches,
    touched_by,
)
from entitlements.ladder.operations import active_ladder
from entitlements.ladder.querysets import Touched
from entitlements.ladder.words import allowance, given
from entitlements.tiers.console.links import moves_list
from entitlements.tiers.models import TierChange
from members.foreseen.console.pages import figure_address
from members.foreseen.querysets import Changes, FigureAsked
from members.people.rules import local_date
from members.plans.models import Plan, Tier


@dataclass(frozen=True)
class Column:
    """A tier (None: free) with what leads to it, how many stand on it, and how many moves up led to it lately.

    A move up is what the page of tiers counts as one; a purchase is none.
    """

    tier: Tier | None
    name: str
    plan: Plan | None
    members: int
    moved_up: int = 0

    @property
    def moves_href(self) -> str:
        return moves_list(direction="up", to=self.tier.pk) if self.tier else ""

    @property
    def key(self) -> str:
        return self.tier.code if self.tier else FREE


@dataclass(frozen=True)
class MonthOfUse:
    """What the uses of a calendar month cost the project, and what they were worth to members."""

    cost_cents: int = 0
    worth_cents: int = 0

    def __add__(self, other: "MonthOfUse") -> "MonthOfUse":
        return MonthOfUse(self.cost_cents + other.cost_cents, self.worth_cents + other.worth_cents)


@dataclass(frozen=True)
class ShownCell:
    """One cell: what it gives, what it gave before when that differs, how it is used, and where it is edited."""

    column: Column
    href: str
    cell: Cell | None
    text: str
    is_changed: bool
    before: Cell | None
    before_text: str
    figures: BenefitReach | None
    use: MonthOfUse

    @property
    def reach(self) -> float | None:
        """The share of the entitled who used it in 30 days."""
        return self.figures.reached / self.figures.entitled if self.figures and self.figures.entitled else None


@dataclass(frozen=True)
class Row:
    benefit: Benefit
    cells: list[ShownCell]
    reach: float | None

    @property
    def use(self) -> MonthOfUse:
        """Of all tiers."""
        return sum((cell.use for cell in self.cells), MonthOfUse())


@dataclass(frozen=True)
class ShownImpact:
    """What a change means, with both sides in words, and the list of the members it touches."""

    impact: Impact
    before: str
    after: str
    href: str


@dataclass(frozen=True)
class StepDown:
    """A benefit of which a tier gets less than the tier below it."""

    benefit: Benefit
    lower: Column
    higher: Column
    lower_text: str
    higher_text: str


class Ladder:
    """The version that is being written, or the one in force. Nothing is read before it is asked for."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.active = active_ladder()
        self.coming = LadderVersion.objects.coming().with_people().first()
        self.shown = self.coming or self.active

    @cached_property
    def changes(self) -> list[Change]:
        return changes_of(self.coming, self.active) if self.coming else []

    @cached_property
    def impacts(self) -> list[ShownImpact]:
        return [
            ShownImpact(
                impact_of(change, self._touched.get(change.code, ()), reach_for(change, self.reaches)),
                given(change.benefit, change.before), given(change.benefit, change.after),
                figure_address(reverse("ladder:members", args=[self.shown.pk]), FigureAsked(change.code)),
            )
            for change in self.changes
        ]  # fmt: skip

    @cached_property
    def _touched(self) -> dict[str, list[Touched]]:
        return touched_by(foresee(self.changes, self.active, self.shown, at=self.at))

    def foresee(self, change: Change) -> Changes:
        """Whom a change touches now that may not be in the draft yet."""
        return foresee([change], self.active, self.shown, at=self.at)

    def impact(self, change: Change) -> Impact:
        """What it means for them."""
        touched = touched_by(self.foresee(change)).get(change.code, ())
        return impact_of(change, touched, reach_for(change, self.reaches))

    @cached_property
    def reaches(self) -> "_Reaches":
        return reaches()

    @cached_property
    def counted_at(self) -> datetime | None:
        return FiguresRun.objects.order_by("-at").values_list("at", flat=True).first()

    @cached_property
    def columns(self) -> list[Column]:
        """The free tier, then the tiers from the lowest."""
        cheapest: dict[int, Plan] = {}
        for plan in Plan.objects.filter(is_sold=True).order_by("price_cents"):
            cheapest.setdefault(plan.tier_id, plan)
        standing = querysets.members_by_tier()
        moved = TierChange.objects.ups_by_tier(self.at)
        return [
            Column(None, _("Free"), None, standing.get(None, 0)),
            *(
                Column(tier, name_of(tier), cheapest.get(tier.pk), standing.get(tier.pk, 0), moved.get(tier.pk, 0))
                for tier in Tier.objects.order_by("position")
            ),
        ]

    @cached_property
    def steps_down(self) -> list[StepDown]:
        """Where a benefit that the draft changes gets less on the way up."""
        cells = _cells(self.shown)
        changed = {change.benefit.pk: change.benefit for change in self.changes if change.plan is None}
        found = []
        for benefit in changed.values():
            for lower, higher in pairwise(self.columns):
                less, more = (cells.get((on.tier.pk if on.tier else None, benefit.pk)) for on in (higher, lower))
                if _is_less(less, more):
                    texts = given(benefit, more), given(benefit, less)
                    found.append(StepDown(benefit, lower, higher, *texts))
        return found

    @cached_property
    def groups(self) -> list[tuple[str, list[Row]]]:
        """The rows by category, core benefits first."""
        now, was = _cells(self.shown), _cells(self.active)
        rows: dict[str, list[Row]] = {}
        for benefit in Benefit.objects.current():
            cells = [self._cell(benefit, column, now, was) for column in self.columns]
            own = [row for (_tier, benefit_id), row in self.reaches.items() if benefit_id == benefit.pk]
            entitled = sum(row.entitled for row in own)
            reach = sum(row.reached for row in own) / entitled if entitled else None
            rows.setdefault(benefit.category, []).append(Row(benefit, cells, reach))
        return [(str(Benefit.Category(key).label), rows[key]) for key in Benefit.Category.values if key in rows]

    @cached_property
    def month(self) -> date:
        """The first day of the last whole month, whose uses the costs are of."""
        return months_back(local_date(self.at, settings.PROJECT_TIME_ZONE), 2)[0]

    @cached_property
    def _uses(self) -> dict["_Key", MonthOfUse]:
        rows = BenefitMonth.objects.filter(month=self.month).select_related("benefit")
        return {
            (row.tier_id, row.benefit_id): MonthOfUse(row.amount * row.benefit.cost_cents, row.worth_cents)
            for row in rows
        }

    @property
    def totals(self) -> list[MonthOfUse]:
        """The month's uses of all benefits, tier by tier, and in the end of all tiers."""
        rows = [row for _label, rows in self.groups for row in rows]
        own = [sum((row.cells[n].use for row in rows), MonthOfUse()) for n in range(len(self.columns))]
        return [*own, sum(own, MonthOfUse())]

    @cached_property
    def additions(self) -> list[tuple[Cell, str, str, bool]]:
        """(addition, its words, its page, whether it is new or changed) of every plan."""
        changed = {(c.plan.pk, c.benefit.pk) for c in self.changes if c.plan}
        rows = self.shown.additions.select_related("plan", "benefit").order_by("plan__price_cents", "benefit")
        return [
            (row, allowance(row.benefit, row), reverse("ladder:addition", args=[row.plan.code, row.benefit.code]),
             (row.plan_id, row.benefit_id) in changed)
            for row in rows
        ]  # fmt: skip

    def _cell(self, benefit: Benefit, column: Column, now: "_Cells", was: "_Cells") -> ShownCell:
        key = (column.tier.pk if column.tier else None, benefit.pk)
        cell, before, reach = now.get(key), was.get(key), self.reaches.get(key)
        changed = any(
            c.plan is None and c.benefit.pk == benefit.pk and (c.tier.pk if c.tier else None) == key[0]
            for c in self.changes
        )
        return ShownCell(
            column, reverse("ladder:cell", args=[column.key, benefit.code]), cell, allowance(benefit, cell), changed,
            before, allowance(benefit, before), reach,
            self._uses.get(key, MonthOfUse()),
        )  # fmt: skip


@dataclass(frozen=True)
class Stair:
    """One bar of the staircase, in percent of its width and pixels of its height."""

    label: str
    text: str
    x: float
    width: float
    y: float
    height: float
    is_here: bool
    was_y: float | None

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def text_y(self) -> float:
        return self.y - 6


STAIR_FLOOR = 84
STAIR_HEIGHT = 66


def stairs(columns: Sequence[Column], amounts: Sequence[int | None], here: int, was: int | None) -> list[Stair]:
    """The allowances of all tiers as bars; no limit is as high as the highest."""
    top = max([amount for amount in amounts if amount] + [was or 0, 1])
    step = 100 / len(columns)

    def height(amount: int | None) -> float:
        return max(STAIR_HEIGHT * (top if amount is None else amount) / top, 2)

    return [
        Stair(
            column.name, "∞" if amount is None else str(amount), n * step + step * 0.1, step * 0.8,
            STAIR_FLOOR - height(amount), height(amount), n == here,
            STAIR_FLOOR - height(was) if n == here and was is not None and was != amount else None,
        )
        for n, (column, amount) in enumerate(zip(columns, amounts, strict=True))
    ]  # fmt: skip


_Key = tuple[int | None, int]
_Cells = dict[_Key, TierBenefit]
_Reaches = dict[_Key, BenefitReach]


def _is_less(cell: TierBenefit | None, than: TierBenefit | None) -> bool:
    if cell is None or than is None:
        return than is not None
    return cell.amount is not None and (than.amount is None or cell.amount < than.amount)


def _cells(version: LadderVersion) -> _Cells:
    return {(cell.tier_id, cell.benefit_id): cell for cell in version.cells.all()}
