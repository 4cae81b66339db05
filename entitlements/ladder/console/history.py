"""Every version of the ladder with what it changed, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from django.utils.translation import gettext as _

from config.engine.naming import Named, name_of
from entitlements.benefits.models import Benefit, LadderVersion, PlanBenefit, TierBenefit
from entitlements.ladder.changes import Cell
from entitlements.ladder.words import given
from members.plans.models import Plan, Tier

WAS_IN_FORCE = (LadderVersion.Status.ACTIVE, LadderVersion.Status.RETIRED)

# The version, and the codes of benefit, tier and plan; neither tier nor plan is the free tier.
_Key = tuple[int, str, str | None, str | None]


@dataclass(frozen=True)
class PastChange:
    """A cell that a version changed, and how many it touched when it was submitted."""

    benefit: str
    on: str
    before: str
    after: str
    members: int


@dataclass(frozen=True)
class Past:
    version: LadderVersion
    changes: list[PastChange]


class History:
    """The versions, the newest first. As many statements, however many versions there are."""

    @cached_property
    def versions(self) -> list[LadderVersion]:
        return list(LadderVersion.objects.select_related("created_by", "approved_by").order_by("-version"))

    def __iter__(self) -> Iterator[Past]:
        # Only one version can be on its way, so each was drafted from the one in force just before it.
        former: LadderVersion | None = None
        found: list[Past] = []
        for version in reversed(self.versions):
            found.append(Past(version, [self._told(change, version, former) for change in _changes(version)]))
            if version.status in WAS_IN_FORCE:
                former = version
        return reversed(found)

    def _told(self, change: dict[str, Any], version: LadderVersion, former: LadderVersion | None) -> PastChange:
        place = (change["benefit"], change["tier"], change["plan"])
        benefit = self._benefits.get(change["benefit"])
        before = self._cells.get((former.pk, *place)) if former else None
        after = self._cells.get((version.pk, *place))
        return PastChange(
            name_of(benefit) or change["benefit"], self._on(change["tier"], change["plan"]),
            given(benefit, before) if benefit else "", given(benefit, after) if benefit else "", change["members"],
        )  # fmt: skip

    def _on(self, tier: str | None, plan: str | None) -> str:
        if plan:
            return name_of(self._plans.get(plan)) or plan
        return (name_of(self._tiers.get(tier)) or tier) if tier else _("Free")

    @cached_property
    def _cells(self) -> dict[_Key, Cell]:
        asked = {change["benefit"] for version in self.versions for change in _changes(version)}
        tiers = TierBenefit.objects.filter(benefit__code__in=asked).select_related("benefit", "tier")
        plans = PlanBenefit.objects.filter(benefit__code__in=asked).select_related("benefit", "plan")
        return {_key(cell): cell for cell in chain[Cell](tiers, plans)}

    @cached_property
    def _benefits(self) -> dict[str, Benefit]:
        return {benefit.code: benefit for benefit in Benefit.objects.all()}

    @cached_property
    def _tiers(self) -> dict[str, Named]:
        return {tier.code: tier for tier in Tier.objects.all()}

    @cached_property
    def _plans(self) -> dict[str, Named]:
        return {plan.code: plan for plan in Plan.objects.all()}


def _changes(version: LadderVersion) -> list[dict[str, Any]]:
    return (version.preview or {}).get("changes", [])


def _key(cell: Cell) -> _Key:
    if isinstance(cell, PlanBenefit):
        return cell.version_id, cell.benefit.code, None, cell.plan.code
    return cell.version_id, cell.benefit.code, cell.tier.code if cell.tier else None, None
