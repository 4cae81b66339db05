"""What a version of the ladder changes, and whom it touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from entitlements.benefits.models import FREE, Benefit, LadderVersion, PlanBenefit, TierBenefit
from entitlements.insight.models import BenefitReach
from entitlements.ladder import querysets
from entitlements.ladder.querysets import Touched
from entitlements.ladder.rules import Estimate, extra_use, periods_a_month
from members.foreseen.querysets import Changes
from members.plans.models import Plan, Tier

Cell = TierBenefit | PlanBenefit


@dataclass(frozen=True)
class Change:
    """One cell before and after; None is not given. ``tier`` None and ``plan`` None: the free tier."""

    benefit: Benefit
    tier: Tier | None
    plan: Plan | None
    before: Cell | None
    after: Cell | None

    @property
    def code(self) -> str:
        """What its members are listed under."""
        on = f"plan.{self.plan.pk}" if self.plan else f"tier.{self.tier.pk if self.tier else FREE}"
        return f"{self.benefit.pk}.{on}"

    @property
    def kind(self) -> str:
        """``gain``, ``loss``, ``more``, ``less`` or ``other``."""
        if self.before is None:
            return "gain"
        if self.after is None:
            return "loss"
        if self.before.amount == self.after.amount:
            return "other"
        if self.more is None:
            return "more" if self.after.amount is None else "less"
        return "more" if self.more > 0 else "less"

    @property
    def more(self) -> int | None:
        """By how much a member's allowance grows in a usage period; None where one side knows no limit."""
        before, after = (0 if cell is None else cell.amount for cell in (self.before, self.after))
        if not self.benefit.has_limit or before is None or after is None:
            return None
        return after - before


@dataclass(frozen=True)
class Impact:
    """A change and what it means now; an estimate is None where there is nothing to count.

    ``granted`` and ``use`` are of a usage period, ``cost`` is of a month, or once where the period never starts again.
    """

    change: Change
    members: int
    granted: int | None
    use: Estimate | None
    cost: Estimate | None

    @property
    def is_once(self) -> bool:
        return self.change.benefit.period == Benefit.Period.NEVER


def differ(before: Cell | None, after: Cell | None) -> bool:
    """Whether two cells give something else."""
    return _said(before) != _said(after)


def changes_of(version: LadderVersion, former: LadderVersion) -> list[Change]:
    """The cells of ``version`` that differ from ``former``, tiers before plans."""
    found = [
        Change(*_of_tier(after or before), before, after)
        for before, after in _pairs(former.cells, version.cells, ("tier_id", "benefit_id"), "tier")
    ]
    found += [
        Change(*_of_plan(after or before), before, after)
        for before, after in _pairs(former.additions, version.additions, ("plan_id", "benefit_id"), "plan")
    ]
    return found


def foresee(changes: Sequence[Change], former: LadderVersion, after: LadderVersion, *, at: datetime) -> Changes:
    """Whom ``changes`` of ``former`` touch, as members stand now, where the other cells are those of ``after``.

    Their members are told apart by the changes' codes. A change that is not in ``after`` yet counts as if it were.
    """
    benefits = {change.benefit.pk for change in changes}
    sides = {"before": former, "after": after}
    cells = {
        (side, cell.benefit_id, cell.tier_id): cell
        for side, version in sides.items()
        for cell in version.cells.filter(benefit__in=benefits)
    }
    additions = {
        (side, cell.benefit_id, cell.plan_id): cell
        for side, version in sides.items()
        for cell in version.additions.filter(benefit__in=benefits)
    }
    for change in changes:
        for side, cell in (("before", change.before), ("after", change.after)):
            table: dict[Any, Any] = cells if change.plan is None else additions
            on = (change.tier.pk if change.tier else None) if change.plan is None else change.plan.pk
            table[side, change.benefit.pk, on] = cell
    return querysets.changes_between(
        cells=[
            {"side": side, "benefit_id": benefit, "tier_id": tier, "amount": cell.amount, "level": cell.level,
             "is_held_in_grace": cell.is_held_in_grace, "early_hours": cell.early_hours}
            for (side, benefit, tier), cell in cells.items() if cell is not None
        ],
        additions=[
            {"side": side, "benefit_id": benefit, "plan_id": plan, "amount": cell.amount, "level": cell.level}
            for (side, benefit, plan), cell in additions.items() if cell is not None
        ],
        changed=[
            {"what": change.code, "benefit_id": change.benefit.pk, "tier_id": change.tier and change.tier.pk,
             "plan_id": change.plan and change.plan.pk}
            for change in changes
        ],
        at=at,
    )  # fmt: skip


def touched_by(changes: Changes) -> dict[str, list[Touched]]:
    """The members whom each change touches, by its code and their plan."""
    found: dict[str, list[Touched]] = {}
    for touched in querysets.touched_by(changes):
        found.setdefault(touched.what, []).append(touched)
    return found


def impact_of(change: Change, touched: Sequence[Touched], reach: BenefitReach | None) -> Impact:
    """How many it touches and, by today's use of the cell, what it will cost."""
    members = sum(part.members for part in touched)
    if change.more is None:
        return Impact(change, members, None, None, None)
    granted = change.more * members
    use = extra_use(granted, reach.reached, reach.entitled) if reach and reach.entitled else None
    often = periods_a_month(change.benefit.period, [(part.term_months, part.members) for part in touched])
    cost = use.times(change.benefit.cost_cents * often) if use and change.benefit.cost_cents else None
    return Impact(change, members, granted, use.rounded() if use else None, cost.rounded() if cost else None)


def reaches() -> dict[tuple[int | None, int], BenefitReach]:
    """How far each benefit reaches on each tier (None: free), as last counted, by (tier, benefit)."""
    rows = BenefitReach.objects.filter(by=BenefitReach.By.TIER)
    return {(int(row.value) if row.value else None, row.benefit_id): row for row in rows}


def reach_for(change: Change, known: Mapping[tuple[int | None, int], BenefitReach]) -> BenefitReach | None:
    """The use of the cell; of a benefit the tier does not give yet, that of all tiers together."""
    own = known.get((change.tier.pk if change.tier else None, change.benefit.pk)) if change.plan is None else None
    rows = [row for (_tier, benefit_id), row in known.items() if benefit_id == change.benefit.pk]
    if own is not None or not rows:
        return own
    names = ("entitled", "reached", "granted", "used", "at_limit")
    return BenefitReach(benefit=change.benefit, **{name: sum(getattr(row, name) for row in rows) for name in names})


def _pairs(before: Any, after: Any, keys: tuple[str, str], of: str) -> list[tuple[Any, Any]]:
    def read(cells: Any) -> dict[tuple[Any, ...], Any]:
        return {tuple(getattr(cell, key) for key in keys): cell for cell in cells.select_related("benefit", of)}

    old, new = read(before), read(after)
    return [(old.get(key), new.get(key)) for key in {**old, **new} if differ(old.get(key), new.get(key))]


def _said(cell: Any) -> tuple[Any, ...] | None:
    if cell is None:
        return None
    return (cell.amount, cell.level, getattr(cell, "is_held_in_grace", None), getattr(cell, "early_hours", None))


def _of_tier(cell: Any) -> tuple[Benefit, Tier | None, None]:
    return cell.benefit, cell.tier, None


def _of_plan(cell: Any) -> tuple[Benefit, None, Plan]:
    return cell.benefit, None, cell.plan
