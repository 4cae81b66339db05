"""Random lives of tiers: looked at each day, each week, after a standstill, or held and approved late, they are one."""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.engine import brakes
from entitlements.tiers.models import ManualTier, TierBrake, TierChange, TierStanding
from entitlements.tiers.operations import assessing, manual, policies
from members.events.models import EventDefinition
from members.events.operations.recording import record_events
from members.lifecycle.operations.sweep import judged_later
from members.plans.models import Plan
from members.terms.operations import terms
from tests.database import back_to_seed
from tests.entitlements.tiers.standing_model import (
    ANNIVERSARY,
    BY_BALANCE,
    CALENDAR,
    NEVER,
    ONE_STEP,
    ROLLING,
    Back,
    Given,
    Money,
    Policy,
    Requirement,
    TierLife,
)
from tests.entitlements.tiers.world import DAY, World
from tests.horizon import wait_for_horizon

# A seed is a company with its policies and members; many of them take hours.
SEEDS = (
    [pytest.param(seed, marks=pytest.mark.soak) for seed in range(int(os.environ.get("MOC_SEEDS", 100)))]
    if os.environ.get("MOC_SOAK")
    else range(2)
)
MEMBERS = 14
BEGIN = datetime(2026, 10, 20, 1, 30, tzinfo=UTC)
DAYS = 130
ZONES = ["Asia/Shanghai", "Pacific/Kiritimati", "America/New_York"]
TIERS = ("silver", "gold", "black")
PRICE = 4_000
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Deed:
    """Something that becomes known at ``at`` about the member ``who`` (None: the company)."""

    at: datetime
    what: str
    who: int | None = None
    values: dict[str, Any] = field(default_factory=dict)


class Company:
    """A random company: its policies and what happens to its members, drawn once and lived through several times."""

    def __init__(self, seed: int) -> None:
        self.seed, self.draw = seed, random.Random(seed)
        pick = self.draw.choice
        self.zones = [pick(ZONES) for _ in range(MEMBERS)]
        self.joined = [BEGIN - DAY * self.draw.randrange(0, 500) - HOUR * self.draw.randrange(24) for _ in self.zones]
        self.policies = [self._policy(BEGIN)]
        if self.draw.random() < 0.6:
            self.policies.append(self._policy(BEGIN + DAY * self.draw.randrange(40, 110) + 9 * HOUR))
        self.is_rolling = any(policy["period"] == ROLLING for policy in self.policies)
        self.has_gifts = seed % 2 == 1
        self.deeds = sorted(
            [deed for who in range(MEMBERS) for deed in self._member_deeds(who)], key=lambda deed: deed.at
        )

    def _policy(self, since: datetime) -> dict[str, Any]:
        pick = self.draw.choice
        step = pick([1_000, 2_000, 4_000])
        asks = {tier: {"spend": step * (3**n)} for n, tier in enumerate(TIERS)}
        if self.draw.random() < 0.5:
            for n, tier in enumerate(TIERS):
                asks[tier]["active_days"] = 2 + 2 * n
        return {
            "at": since,
            "period": pick([CALENDAR, CALENDAR, ANNIVERSARY, ROLLING]),
            "period_months": pick([1, 3]),
            "downgrade": pick([NEVER, ONE_STEP, ONE_STEP, BY_BALANCE]),
            "grace_days": pick([0, 3, 20]),
            "notice_days": pick([0, 10, 60]),
            "plan_is_floor": pick([True, False]),
            "refund_takes_back": pick([True, True, False]),
            "asks": asks,
            "joined_by": pick(["all", "any"]),
        }

    def _member_deeds(self, who: int) -> Iterator[Deed]:
        draw, joined = self.draw, self.joined[who]
        for n in range(draw.randrange(2, 9)):
            # Half of it around the turn of the year and before the beginning, where lateness costs most.
            day = draw.choice([draw.randrange(-100, DAYS), draw.randrange(55, 90)])
            happened = max(BEGIN + DAY * day + self._moment(), joined)
            known = happened + DAY * draw.choice([0, 0, 0, 1, 3, 25]) + self._moment() * draw.choice([0, 1])
            known = happened if self.is_rolling or draw.random() < 0.4 else known
            what = draw.choice(["pay", "pay", "pay", "buy", "active", "active", "give" if self.has_gifts else "pay"])
            if what == "pay":
                cents = draw.choice([500, 1_000, 2_000, 3_000, 9_000, 40_000])
                yield Deed(known, "pay", who, {"n": n, "happened": happened, "cents": cents})
                if draw.random() < 0.3:
                    back = known + DAY * draw.randrange(1, 40) + self._moment()
                    of = draw.choice([n, n, None])
                    yield Deed(back, "pay_back", who, {"n": n, "of": of, "cents": draw.choice([cents, cents // 2])})
            elif what == "active":
                # Of an active day only its first instant is known.
                yield Deed(happened, "active", who, {"n": n, "happened": happened})
            elif what == "buy":
                yield Deed(happened, "buy", who, {"n": n})
                if draw.random() < 0.4:
                    back = happened + DAY * draw.randrange(1, 60) + self._moment()
                    yield Deed(back, draw.choice(["refund", "void"]), who, {"n": n})
            elif happened > BEGIN:
                lasts = draw.choice([None, 5, 40])
                yield Deed(happened, "give", who, {"tier": draw.choice(TIERS), "lasts": lasts})
                if draw.random() < 0.4:
                    yield Deed(happened + DAY * draw.randrange(1, 30) + self._moment(), "take", who)

    def _moment(self) -> timedelta:
        return timedelta(seconds=self.draw.randrange(86_400))

    # The model's life

    def expected(self, who: int, until: datetime) -> TierLife:
        """The life of one member by the model, of what is known by ``until``."""
        position = {tier: n for n, tier in enumerate(TIERS, start=1)}
        found = [
            Policy(
                one["at"],
                one["period"],
                one["period_months"],
                one["downgrade"],
                one["grace_days"],
                tuple(
                    Requirement(position[tier], one["joined_by"] == "all", asked) for tier, asked in one["asks"].items()
                ),
                one["refund_takes_back"],
            )
            for one in self.policies
        ]
        life = TierLife(self.zones[who], self.joined[who], found)
        paid: dict[int, Money] = {}
        for deed in self.deeds:
            if deed.who != who or deed.at > until:
                continue
            values = deed.values
            if deed.what in ("pay", "buy"):
                happened = values.get("happened", deed.at)
                paid[values["n"]] = Money(happened, deed.at, values.get("cents", PRICE))
            elif deed.what == "active":
                life.active.append((values["happened"], deed.at))
            elif deed.what == "pay_back" and values["of"] is None:
                life.money.append(Money(deed.at, deed.at, -values["cents"]))
            elif deed.what in ("pay_back", "refund", "void"):
                whole = paid[values["n"]]
                whole.back.append(Back(deed.at, values.get("cents", whole.cents), deed.what == "void"))
            elif deed.what == "give":
                self._end_given(life, deed.at)
                until_at = deed.at + DAY * values["lasts"] if values["lasts"] else None
                life.given.append(Given(position[values["tier"]], deed.at, until_at))
            elif deed.what == "take":
                self._end_given(life, deed.at)
        life.money += paid.values()
        life.live(until)
        return life

    @staticmethod
    def _end_given(life: TierLife, at: datetime) -> None:
        if life.given and life.given[-1].ended is None:
            life.given[-1].ended = at


class Lived:
    """The company lived through by the product, looked at when ``looks`` says; everything is taken back afterwards."""

    def __init__(self, company: Company, **limits: Any) -> None:
        self.company, self.limits = company, limits
        self.world = World(BEGIN - DAY)
        EventDefinition.objects.create(name="came", is_activity=True)
        self.plan = Plan.objects.create(
            code="month", name="Month", tier=self.world.tiers["silver"], price_cents=PRICE, duration_unit="month"
        )
        self.members = [
            self.world.member(joined, time_zone=zone)
            for joined, zone in zip(company.joined, company.zones, strict=True)
        ]
        self.orders: dict[tuple[int, int], int] = {}
        self.held_until: datetime | None = None

    def live(self, looks: list[datetime], until: datetime) -> None:
        for at, act in sorted(
            [(deed.at, deed) for deed in self.company.deeds]
            + [(policy["at"], policy) for policy in self.company.policies]
            + [(look, None) for look in looks],
            key=lambda one: (one[0], one[1] is None),
        ):
            if at > until:
                break
            if act is None:
                self.look(at)
            elif isinstance(act, Deed):
                getattr(self, f"do_{act.what}")(act)
            else:
                self.put_in_force(act)

    def put_in_force(self, policy: dict[str, Any]) -> None:
        values = {key: value for key, value in policy.items() if key not in ("asks", "joined_by", "at")}
        rungs = self.world.asked(policy["joined_by"], **policy["asks"])
        draft = self.world.draft(policy["at"], rungs, **values, **self.limits)
        policies.REVIEW.look_ahead(draft.pk, at=policy["at"])
        policies.REVIEW.submit(draft.pk, actor=self.world.proposer, at=policy["at"])
        policies.REVIEW.approve(draft.pk, actor=self.world.approver, at=policy["at"], reason="")

    def look(self, at: datetime) -> None:
        wait_for_horizon()
        self.world.assess(at)

    def do_pay(self, deed: Deed) -> None:
        self._event(deed, "bought", deed.values["happened"], value_cents=deed.values["cents"], currency="CNY")

    def do_pay_back(self, deed: Deed) -> None:
        of = deed.values["of"]
        named = {} if of is None else {"properties": {"refund_of": f"bought-{deed.who}-{of}"}}
        back = replace(deed, values={"n": f"{deed.values['n']}-back"})
        self._event(back, "bought", deed.at, value_cents=-deed.values["cents"], currency="CNY", **named)

    def do_active(self, deed: Deed) -> None:
        self._event(deed, "came", deed.values["happened"])

    def _event(self, deed: Deed, name: str, happened: datetime, **values: Any) -> None:
        row = {
            "member_id": self.members[deed.who].pk,
            "name": name,
            "occurred_at": happened,
            "message_id": f"{name}-{deed.who}-{deed.values['n']}",
            **values,
        }
        record_events(rows=[row], source=self.world.source, at=deed.at)

    def do_buy(self, deed: Deed) -> None:
        term = terms.purchase(member_id=self.members[deed.who].pk, plan=self.plan, at=deed.at, actor=None)
        self.orders[deed.who, deed.values["n"]] = term.pk

    def do_refund(self, deed: Deed) -> None:
        order = self.orders[deed.who, deed.values["n"]]
        terms.refund_orders(
            member_id=self.members[deed.who].pk, amounts={order: PRICE}, at=deed.at, actor=None, reason="R"
        )

    def do_void(self, deed: Deed) -> None:
        terms.void_term(term_id=self.orders[deed.who, deed.values["n"]], at=deed.at, actor=None, reason="R")

    def do_give(self, deed: Deed) -> None:
        until = deed.at + DAY * deed.values["lasts"] if deed.values["lasts"] else None
        manual.give_tier(
            member_id=self.members[deed.who].pk,
            tier_id=self.world.tiers[deed.values["tier"]].pk,
            reason="R",
            until=until,
            actor=self.world.proposer,
            at=deed.at,
        )

    def do_take(self, deed: Deed) -> None:
        manual.take_tier_back(member_id=self.members[deed.who].pk, reason="R", actor=self.world.proposer, at=deed.at)

    # What came out

    @staticmethod
    def _lasts(row: TierStanding) -> datetime | None:
        return row.until if row.via == "manual" else row.lasts_until

    def outcome(self, who: int) -> dict[str, Any]:
        row = TierStanding.objects.select_related("tier").get(pk=self.members[who].pk)
        rows = TierChange.objects.filter(member=self.members[who]).select_related("from_tier", "to_tier").order_by("pk")

        def position(tier: Any) -> int | None:
            return tier.position if tier else None

        return {
            "standing": (position(row.tier), row.via, self._lasts(row), row.judged_on, row.anchor_on),
            "changes": [(change.at, position(change.from_tier), position(change.to_tier)) for change in rows],
        }


class HeldLived(Lived):
    """Every run that moves two members is held until a person has decided, days later."""

    def __init__(self, company: Company) -> None:
        super().__init__(company, brake_percent=0.1, brake_floor=1)
        self.draw = random.Random(company.seed)
        self.expected = [company.expected(who, UNTIL) for who in range(MEMBERS)]
        self.given_meanwhile: set[int] = set()
        self.count_held = 0

    def look(self, at: datetime) -> None:
        if self.held_until and at >= self.held_until:
            self.decide(at)
        before = self.tiers_held()
        super().look(at)
        held = self.tiers_held()
        for pk in before.keys() & held.keys():
            assert held[pk] == before[pk], f"{self.company.seed}: held, and moved at {at}"
        self.count_held += len(held)
        for who, member in enumerate(self.members):
            # Nobody whom it does not concern stands still.
            if member.pk not in held and who not in self.given_meanwhile:
                due = [change for change in self.expected[who].changes if change[0] <= at]
                got = self.outcome(who)["changes"]
                assert got == due, (
                    f"seed {self.company.seed}, not held at {at}\n{got}\n{due}\n{story(self.company, who)}"
                )
        if self.held_until is None and self._open():
            self.held_until = at + DAY * self.draw.randrange(3, 25)

    def do_give(self, deed: Deed) -> None:
        super().do_give(deed)
        self.given_meanwhile.add(deed.who)

    @staticmethod
    def tiers_held() -> dict[int, int | None]:
        """What those show who are held and have nothing given by hand."""
        given = ManualTier.objects.values("member")
        rows = TierStanding.objects.filter(brake__isnull=False).exclude(pk__in=given)
        return dict(rows.values_list("pk", "tier_id"))

    def decide(self, at: datetime) -> None:
        for brake in self._open():
            assessing.decide_brake(
                brake_id=brake.pk, is_right=True, actor=self.world.approver, at=at, reason="They are right"
            )
        self.held_until = None

    def settle(self, at: datetime) -> None:
        """The last looks: everything that is held is approved."""
        for _ in range(20):
            self.decide(at)
            self.world.assess(at)
            if not self._open():
                return

    @staticmethod
    def _open() -> list[TierBrake]:
        return list(TierBrake.objects.filter(status=brakes.Status.OPEN))


def looks(every: int, until: datetime, standstill: tuple[int, int] | None = None) -> list[datetime]:
    """A look every so many days, none in the standstill, and one at the end."""
    days = [day for day in range(0, DAYS, every) if standstill is None or not standstill[0] <= day < standstill[1]]
    return [BEGIN + DAY * day + HOUR / 2 for day in days] + [until]


UNTIL = BEGIN + DAY * DAYS


def outcomes(lived: Lived, looked: list[datetime]) -> list[dict[str, Any]]:
    lived.live(looked, UNTIL)
    if isinstance(lived, HeldLived):
        lived.settle(UNTIL)
    return [lived.outcome(who) for who in range(MEMBERS)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_lives_come_out_the_same_however_they_are_looked_at(seed):
    company = Company(seed)
    expected = [company.expected(who, UNTIL) for who in range(MEMBERS)]
    # Around New Year.
    late = 50 + seed % 20
    ways = {
        "daily": (Lived, looks(1, UNTIL)),
        "weekly": (Lived, looks(7, UNTIL)),
        "standstill": (Lived, looks(7, UNTIL, (late, late + 40))),
        "held": (HeldLived, looks(2, UNTIL)),
    }
    if company.has_gifts:
        # Given while a move is held, a tier shows at once, and what was held before it is not told any more.
        del ways["held"]
    different = []
    for name, (way, looked) in ways.items():
        back_to_seed()
        with judged_later():
            found = outcomes(way(company), looked)
        for who, (got, life) in enumerate(zip(found, expected, strict=True)):
            right = life.standing
            wanted = {
                "standing": (right.position, right.via, right.until, right.judged_on, right.reached_on),
                "changes": life.changes,
            }
            different += [
                f"{name}, member {who}, {what}: {got[what]} instead of {wanted[what]}\n{story(company, who)}"
                for what in wanted
                if got[what] != wanted[what]
            ]
    assert not different, f"seed {seed}\n" + "\n\n".join(different)


def story(company: Company, who: int) -> str:
    """What happened to one member, to be read."""
    lines = [f"joined {company.joined[who]:%Y-%m-%d %H:%M} {company.zones[who]}"]
    lines += [f"{policy['at']:%m-%d %H:%M} policy {policy}" for policy in company.policies]
    lines += [f"{deed.at:%Y-%m-%d %H:%M:%S} {deed.what} {deed.values}" for deed in company.deeds if deed.who == who]
    return "\n".join(lines)
