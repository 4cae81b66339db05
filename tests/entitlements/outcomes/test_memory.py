"""Random lives of losing and returning against the plain model: nothing multiplies, nothing is lost."""

import os
import random
from datetime import time, timedelta

import pytest
from django.db import transaction
from django.db.models import Sum

from config.staff.access import Role
from entitlements.grants.models import Grant
from entitlements.seats.models import Seat
from entitlements.seats.operations import seating
from entitlements.seats.operations.plans import save_seat_plan
from entitlements.usage.operations.consuming import consume
from members.lifecycle.operations.sweep import sweep
from members.people.rules import at_local
from members.plans.models import Plan
from members.terms.operations import terms
from tests import factories
from tests.entitlements.memory.scene import rule
from tests.entitlements.outcomes.memory_model import ALLOWANCE, MemoryLife
from tests.entitlements.world import Ladder, balance, settle
from tests.members.world import DAY_ZERO, ZONE, World

pytestmark = pytest.mark.django_db

SEEDS = [pytest.param(n, marks=pytest.mark.soak) for n in range(300)] if os.environ.get("MOC_SOAK") else range(6)
STEPS = 25
YOUNGER_THAN = 40


def moment(day: float):
    return at_local(DAY_ZERO, time(0), ZONE) + timedelta(days=day)


class Twins:
    """One life lived by the product and by the model."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.world, self.ladder = World(), Ladder()
        rule(factories.UserFactory(role=Role.ADMIN), younger_than_days=YOUNGER_THAN, restores_tier=False)
        self.voucher = self.ladder.benefit("voucher", period="term")
        for tier in (self.world.gold, self.world.black):
            self.ladder.cell(tier, self.voucher, ALLOWANCE)
        self.member, self.owner = self.world.member(), self.world.member()
        family = Plan.objects.create(
            code="family", name="Family", tier=self.world.gold, duration_unit="year", duration_count=9, price_cents=1
        )
        save_seat_plan(plan=family, kind="family", seats=1, tier=None, actor=None, at=moment(0))
        terms.purchase(member_id=self.owner.pk, plan=family, at=moment(0), actor=None)
        self.life = MemoryLife(YOUNGER_THAN)
        self.day = 0.5
        self.order: int | None = None
        self.seat: Seat | None = None
        self.told: list[str] = []

    @property
    def at(self):
        return moment(self.day)

    def live(self) -> None:
        for _ in range(STEPS):
            self._pass_time(self.draw.choice([0.1, 0.6, 1, 5, 20, 36, 45]))
            deed = self.draw.choice(self._possible())
            self.told.append(f"{self.day:.1f} {deed}")
            getattr(self, f"do_{deed}")()
            sweep(at=self.at)
            settle(self.member, self.at)
            self.compare()

    def _pass_time(self, days: float) -> None:
        """The engines look at the end of cover and at the end of the grace, as they do while nothing stands still."""
        for edge in [*self.life.edges(self.day + days), self.day + days]:
            self.day = edge
            self.life.advance(edge)
            sweep(at=self.at)
            settle(self.member, self.at)

    def _possible(self) -> list[str]:
        if self.seat is not None:
            return ["use", "use", "leave_seat"]
        if self.life.is_covered:
            return ["use", "use", "use", "wait", "refund" if self.life.order.is_paid else "wait", "void"]
        if self.life.is_in_grace:
            return ["wait"]
        return ["buy", "buy_higher", "buy_week", "gift", "take_seat"]

    def compare(self) -> None:
        if self.life.is_in_grace:
            return
        granted, used = balance(self.member, self.voucher)
        told = "\n".join(self.told)
        assert granted - used == self.life.available, told
        restored = Grant.objects.filter(member=self.member, source="restore", voided_at=None, expires_at__gt=self.at)
        assert (restored.aggregate(n=Sum("amount"))["n"] or 0) == self.life.restored, told

    # Deeds

    def _begin(self, term, *, is_paid: bool) -> None:
        self.order = term.pk
        self.life.begin(is_paid=is_paid, ends_at=(term.ends_at - moment(0)) / timedelta(days=1))

    def _buy(self, plan: Plan) -> None:
        term = terms.purchase(member_id=self.member.pk, plan=plan, at=self.at, actor=None)
        self._begin(term, is_paid=True)

    def do_wait(self) -> None:
        """Nothing but time."""

    def do_buy(self) -> None:
        self._buy(self.world.month)

    def do_buy_higher(self) -> None:
        self._buy(self.world.black_month)

    def do_buy_week(self) -> None:
        self._buy(self.world.week)

    def do_gift(self) -> None:
        plan = self.draw.choice([self.world.month, self.world.week])
        self._begin(terms.give_term(member_id=self.member.pk, plan=plan, at=self.at, actor=None), is_paid=False)

    def do_use(self) -> None:
        amount = self.draw.choice([1, 2, 3])
        settle(self.member, self.at)
        record = consume(member_id=self.member.pk, benefit=self.voucher, amount=amount, at=self.at, origin="api")
        self.told[-1] += f" {amount}: {record.outcome}"
        assert (record.outcome == "used") == self.life.use(amount), "\n".join(self.told)

    def do_refund(self) -> None:
        terms.refund_term(term_id=self.order, at=self.at, actor=None, reason="R")
        self.life.refund()

    def do_void(self) -> None:
        terms.void_term(term_id=self.order, at=self.at, actor=None, reason="R")
        self.life.void()

    def do_take_seat(self) -> None:
        self.seat = seating.give_seat(owner_id=self.owner.pk, member_id=self.member.pk, at=self.at, actor=None)
        self.life.take_seat()

    def do_leave_seat(self) -> None:
        seating.end_seat(seat_id=self.seat.pk, reason=Seat.EndReason.LEFT, at=self.at, actor=None)
        self.seat = None
        self.life.leave_seat()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_losses_and_returns_come_out_as_the_policy_says(seed):
    with transaction.atomic():
        Twins(seed).live()
        transaction.set_rollback(True)
