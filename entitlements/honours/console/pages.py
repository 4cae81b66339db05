"""What the pages of honours, of a list and of advisers show."""

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Count, Prefetch, QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise

from config.console.paging import Pages
from config.engine.ids import read_id
from config.staff.models import User
from entitlements.benefits.models import Benefit, TierBenefit
from entitlements.grants.models import Balance
from entitlements.honours.conditions import members_of, waiting_for_adviser
from entitlements.honours.models import Adornment, AdviserAssignment, Honour, HonourAward, HonourRun
from entitlements.honours.operations.advising import advisers
from entitlements.honours.rules import minutes_of
from entitlements.insight.dimensions import held_by
from entitlements.tiers.measures import MEASURES, Measure
from members.value.models import ValueSettings


def measure_label(code: str) -> str | Promise:
    """What a measure is called; its code when nobody registers it any more."""
    measure = MEASURES.get(code)
    return measure.label if measure else code


@dataclass(frozen=True)
class ShownHonour:
    """An honour with its latest run."""

    honour: Honour
    run: HonourRun | None

    @property
    def measure(self) -> str | Promise:
        return measure_label(self.honour.measure)


@dataclass(frozen=True)
class ShownAdornment:
    """A benefit that shows itself, and on how many."""

    adornment: Adornment
    members: int

    @property
    def href(self) -> str:
        return held_by(self.adornment.benefit)


@dataclass(frozen=True)
class ShownAdviser:
    """A colleague with the number of members she looks after."""

    user: User
    members: int

    @property
    def href(self) -> str:
        return members_of(self.user)


class Overview:
    """Honours and what benefits show. Reads each part once, when the page asks for it."""

    @cached_property
    def honours(self) -> list[ShownHonour]:
        latest = Prefetch("runs", HonourRun.objects.order_by("-pk"), to_attr="latest_first")
        found = Honour.objects.select_related("benefit").prefetch_related(latest)
        return [ShownHonour(honour, next(iter(honour.latest_first), None)) for honour in found]

    @cached_property
    def adornments(self) -> list[ShownAdornment]:
        rows = Adornment.objects.select_related("benefit").filter(benefit__is_archived=False)
        held = Balance.objects.open().filter(benefit__adornment__isnull=False).order_by().values_list("benefit")
        counts = dict(held.annotate(n=Count("member_id")))
        return [ShownAdornment(row, counts.get(row.benefit_id, 0)) for row in rows]

    @cached_property
    def could_show(self) -> list[Benefit]:
        """Emotional access benefits that show nothing yet."""
        found = Benefit.objects.current().filter(adornment__isnull=True, kind=Benefit.Kind.ACCESS)
        return list(found.filter(category=Benefit.Category.EMOTIONAL))


class HonourPage:
    """One honour with its runs, the latest year first."""

    def __init__(self, honour_id: int) -> None:
        self.honour = get_object_or_404(Honour.objects.select_related("benefit"), pk=honour_id)

    @property
    def measure(self) -> str | Promise:
        return measure_label(self.honour.measure)

    @cached_property
    def runs(self) -> list[HonourRun]:
        return list(self.honour.runs.select_related("begun_by", "decided_by"))


@dataclass(frozen=True)
class Place:
    """A place on a list: ``lead`` is what the next one is behind by, None for the last of all."""

    award: HonourAward
    lead: int | None

    @property
    def is_tie(self) -> bool:
        """Whether the next has as much and stands behind by the rule for ties alone."""
        return self.lead == 0


class RunPage(Pages):
    """One page of a run's list; ``after`` is the last rank on the page before."""

    def __init__(self, run_id: int, params: QueryDict) -> None:
        related = ("honour__benefit", "begun_by", "decided_by")
        self.run = get_object_or_404(HonourRun.objects.select_related(*related), pk=run_id)
        self.after = read_id(params.get("after", "")) or 0

    @cached_property
    def measure(self) -> Measure | None:
        return MEASURES.get(self.run.measure)

    @property
    def measure_label(self) -> str | Promise:
        return measure_label(self.run.measure)

    def behind(self) -> QuerySet[HonourAward]:
        return self.run.awards.select_related("member__lifecycle").behind(self.after)

    def mark(self, row: HonourAward) -> object:
        return row.rank

    @property
    def places(self) -> list[Place]:
        return [self._place(award) for award in self.rows]

    def _place(self, award: HonourAward) -> Place:
        below = award.below if award.below is not None else self.run.next_value  # type: ignore[attr-defined]
        return Place(award, None if below is None else award.value - below)

    @cached_property
    def last_value(self) -> int | None:
        """What the last place was got with."""
        return self.run.awards.order_by("-rank").values_list("value", flat=True).first()

    @property
    def is_cut_by_tie(self) -> bool:
        """Whether somebody without a place has as much as the last one with one."""
        return self.run.next_value is not None and self.run.next_value == self.last_value

    @cached_property
    def currency(self) -> str:
        return ValueSettings.currency_now()


class Advisers:
    """Who looks after how many, and how many wait. Reads each part once, when the page asks for it."""

    @cached_property
    def _counts(self) -> dict[int, int]:
        entitled = Balance.objects.showing("adviser").values("member_id")
        rows = AdviserAssignment.objects.current().filter(member_id__in=entitled).order_by()
        return dict(rows.values_list("adviser").annotate(n=Count("pk")))

    @cached_property
    def rows(self) -> list[ShownAdviser]:
        """Colleagues who may, the busiest first."""
        found = [ShownAdviser(user, self._counts.get(user.pk, 0)) for user in advisers()]
        return sorted(found, key=lambda row: (-row.members, row.user.pk))

    @cached_property
    def entitled(self) -> int:
        return Balance.objects.showing("adviser").aggregate(n=Count("member_id", distinct=True))["n"]

    @property
    def assigned(self) -> int:
        return sum(self._counts.values())

    @property
    def waiting(self) -> int:
        return self.entitled - self.assigned

    @property
    def waiting_href(self) -> str:
        return waiting_for_adviser()

    @cached_property
    def benefits(self) -> list[Benefit]:
        """What gives an adviser."""
        return list(Benefit.objects.current().filter(adornment__form="adviser"))


@dataclass(frozen=True)
class Target:
    """What a tier promises of a service target; ``minutes`` is None where its level says no number."""

    cell: TierBenefit
    minutes: int | None


def targets(benefit: Benefit) -> list[Target]:
    """What the ladder in force promises of a service target, tier by tier."""
    cells = TierBenefit.objects.filter(benefit=benefit, version__status="active").select_related("tier")
    return [Target(cell, minutes_of(cell.level)) for cell in cells.order_by("tier__position")]
