"""What the tier pages show."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

from django.core.cache import cache
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.functional import Promise

from config.console.paging import Pages
from config.engine import brakes
from config.engine.ids import read_id, read_number
from entitlements.tiers.conditions import SOURCES
from entitlements.tiers.console.links import moves_list
from entitlements.tiers.measures import MEASURES, Measure
from entitlements.tiers.models import QualificationPolicy, TierBrake, TierChange, TierStanding
from entitlements.tiers.operations.assessing import active_policy
from entitlements.tiers.operations.policies import ANYWAY
from members.foreseen.console.pages import Leads
from members.people.console.links import members_list
from members.plans.models import Tier
from members.segments.console.links import with_value
from members.value.models import ValueSettings

DAYS = 30
# What a preview calls no tier.
NO_TIER = "none"
SECONDS_KEPT = 30


@dataclass(frozen=True)
class Cell:
    label: str | Promise
    members: int
    href: str


@dataclass(frozen=True)
class TierRow:
    """A tier, how many have it as the one that counts, and through what; ``tier`` None: no tier."""

    tier: Tier | None
    members: int
    href: str
    cells: list[Cell]


class Overview:
    """Reads each part once, when the page asks for it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    @cached_property
    def policy(self) -> QualificationPolicy:
        return active_policy()

    @cached_property
    def brake(self) -> TierBrake | None:
        return TierBrake.objects.filter(status=brakes.Status.OPEN).first()

    @cached_property
    def waiting(self) -> list[QualificationPolicy]:
        return list(QualificationPolicy.objects.filter(status="submitted"))

    @cached_property
    def tiers(self) -> list[Tier]:
        return list(Tier.objects.order_by("-position"))

    @cached_property
    def counts(self) -> Mapping[tuple[int | None, str], int]:
        positions = {tier.pk: tier.position for tier in self.tiers}

        def read() -> dict[tuple[int | None, str], int]:
            found: Counter[tuple[int | None, str]] = Counter()
            for bought, own, via, n in TierStanding.objects.counts(self.at):
                is_own = own is not None and (bought is None or positions[own] > positions[bought])
                found[(own, via or "") if is_own else (bought, "plan" if bought else "")] += n
            return dict(found)

        return cast("dict[tuple[int | None, str], int]", cache.get_or_set("tiers:overview", read, SECONDS_KEPT))

    @property
    def rows(self) -> list[TierRow]:
        return [self._row(tier) for tier in [*self.tiers, None]]

    def _row(self, tier: Tier | None) -> TierRow:
        pk = tier.pk if tier else None
        cells = [
            Cell(label, self.counts.get((pk, code), 0), with_value("tier_through", f"{pk}:{code}"))
            for code, label in SOURCES.items()
        ]
        members = sum(n for (held, _), n in self.counts.items() if held == pk)
        return TierRow(tier, members, with_value("effective_tier", str(pk or "")), cells if tier else [])

    @property
    def sources(self) -> list[str | Promise]:
        return list(SOURCES.values())

    @property
    def moved_hrefs(self) -> dict[str, str]:
        return {way: moves_list(direction=way) for way in ("up", "down")}

    @cached_property
    def moved(self) -> dict[str, int]:
        return TierChange.objects.counts(self.at)

    @cached_property
    def falling(self) -> list[Cell]:
        """Who will be downgraded soon, by the week."""
        rows = TierStanding.objects.filter(member__lifecycle__isnull=False, will_downgrade_at__gte=self.at)
        return [
            Cell("", rows.filter(will_downgrade_at__lte=self.at + timedelta(days=days)).count(), falling_list(days))
            for days in (7, DAYS)
        ]


class HeldMembers(Pages):
    """Whom a brake holds as they are, by number, a page at a time."""

    def __init__(self, brake: TierBrake, params: QueryDict) -> None:
        self.brake = brake
        self.after = read_id(params.get("after", ""))

    def behind(self) -> QuerySet[TierStanding]:
        rows = self.brake.held.select_related("member", "tier").order_by("pk")
        return rows.filter(pk__gt=self.after) if self.after else rows


def falling_list(days: int) -> str:
    """The members who will be downgraded within so many days."""
    leaf = {"kind": "tiers.downgrade", "within": {"amount": days, "unit": "days"}}
    return members_list(rule=json.dumps({"version": 1, "root": {"kind": "all", "items": [leaf]}}))


class Changes(Pages):
    """Who moved, the latest first, a page at a time; ``days`` looks at the last ones before ``at`` only."""

    def __init__(self, params: QueryDict, *, at: datetime) -> None:
        direction, days = params.get("direction", ""), params.get("days", "")
        self.at = at
        self.direction = direction if direction in ("up", "down") else ""
        self.days = read_number(days, most=9_999) or 0
        tier_id = read_id(params.get("to", ""))
        self.to = Tier.objects.filter(pk=tier_id).first() if tier_id else None
        self.after = read_id(params.get("after", ""))

    def asked(self) -> dict[str, Any]:
        return {"direction": self.direction, "days": self.days, "to": self.to.pk if self.to else ""}

    @cached_property
    def _meant(self) -> QuerySet[TierChange]:
        rows = TierChange.objects.within(self.days, self.at) if self.days else TierChange.objects.all()
        rows = rows.filter(to_tier=self.to) if self.to else rows
        return rows.filter(is_up=self.direction == "up") if self.direction else rows

    def behind(self) -> QuerySet[TierChange]:
        rows = self._meant.select_related("member", "from_tier", "to_tier", "actor").order_by("-pk")
        return rows.filter(pk__lt=self.after) if self.after else rows

    @cached_property
    def count(self) -> int:
        """Of all pages together; asked for only where the days limit it."""
        return self._meant.count()

    @property
    def any_direction(self) -> str:
        return self.address(direction="")

    @property
    def up(self) -> str:
        return self.address(direction="up")

    @property
    def down(self) -> str:
        return self.address(direction="down")

    @property
    def ever(self) -> str:
        return self.address(days=0)

    @property
    def any_tier(self) -> str:
        return self.address(to="")


@dataclass(frozen=True)
class Asked:
    """What a policy asks for a tier, in words."""

    tier: Tier
    joined: str
    lines: list[tuple[Measure, int]]


def ladder_of(policy: QualificationPolicy) -> list[Asked]:
    """What the policy asks, the highest tier first."""
    rungs = policy.rungs.select_related("tier").prefetch_related("rules").order_by("-tier__position")
    return [
        Asked(
            rung.tier, rung.get_joined_by_display(),
            [(measure, rule.threshold) for rule in rung.rules.all() if (measure := MEASURES.get(rule.measure))],
        )
        for rung in rungs
    ]  # fmt: skip


def currency() -> str:
    return ValueSettings.currency_now()


@dataclass(frozen=True)
class Move:
    """So many go from one tier to another; ``anyway``: so many of them under the policy in force too."""

    members: int
    href: str
    anyway: int
    anyway_href: str
    is_up: bool


@dataclass(frozen=True)
class MatrixRow:
    tier: Tier | None
    cells: list[Move | None]


@dataclass(frozen=True)
class Matrix:
    """Rows by the tier left, columns by the tier entered; only tiers that occur, None for no tier."""

    targets: list[Tier | None]
    rows: list[MatrixRow]
    up: int
    down: int


_Counts = Counter[tuple[int | None, int | None]]


def _counted(moves: Iterable[Mapping[str, Any]]) -> _Counts:
    """JSON ``moves`` ({from, to, members}), with tiers' numbers or, in a preview, the codes that say them."""
    return Counter({(_number(move["from"]), _number(move["to"])): move["members"] for move in moves})


def _number(code: str | int | None) -> int | None:
    return read_id(code)


def code_of(tier_id: int | None) -> str:
    """What a preview calls a tier."""
    return str(tier_id or NO_TIER)


def matrix_of(
    moves: Iterable[Mapping[str, Any]],
    *,
    anyway: Iterable[Mapping[str, Any]] = (),
    leads: Leads | None = None,
    what: str = "",
) -> Matrix:
    """The table of ``moves``; each figure of ``what`` leads to whom it counts where ``leads`` says how."""
    counts, without = _counted(moves), _counted(anyway)
    tiers: list[Tier | None] = [None, *Tier.objects.order_by("position")]
    positions = {tier.pk if tier else None: tier.position if tier else -1 for tier in tiers}
    sources = [tier for tier in tiers if any(source == _key(tier) for source, _ in counts)]
    targets = [tier for tier in tiers if any(target == _key(tier) for _, target in counts)]

    def cell(source: int | None, target: int | None) -> Move | None:
        n = counts[source, target]
        if not n:
            return None
        ends = (code_of(source), code_of(target))
        href, anyway_href = (leads(code, *ends) if leads else "" for code in (what, what + ANYWAY))
        is_up = positions.get(target, -1) > positions.get(source, -1)
        return Move(n, href, without[source, target], anyway_href, is_up)

    rows = [MatrixRow(tier, [cell(_key(tier), _key(target)) for target in targets]) for tier in sources]
    every = [move for row in rows for move in row.cells if move]
    up = sum(move.members for move in every if move.is_up)
    return Matrix(targets, rows, up, sum(move.members for move in every) - up)


def _key(tier: Tier | None) -> int | None:
    return tier.pk if tier else None
