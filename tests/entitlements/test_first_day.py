"""Usage periods are counted from the first day of the membership, whatever comes after it."""

from datetime import timedelta

import pytest

from entitlements.grants.models import Balance, Lot
from entitlements.usage.operations.consuming import consume
from members.terms.operations import terms
from tests.entitlements.world import Ladder, settle
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db


class Membership:
    """A member who may use 10 downloads a month on gold and on black, counted from the first day."""

    def __init__(self, **values: object) -> None:
        self.world, ladder = World(), Ladder()
        self.downloads = ladder.benefit("downloads", **values)
        for tier in (self.world.gold, self.world.black):
            ladder.cell(tier, self.downloads, 10)
        self.member = self.world.member()

    def buy(self, plan, day: float):
        term = terms.purchase(member_id=self.member.pk, plan=plan, at=moment(day), actor=None)
        settle(self.member, moment(day))
        return term

    def use(self, amount: int, day: float) -> None:
        used = consume(member_id=self.member.pk, benefit=self.downloads, amount=amount, at=moment(day), origin="api")
        assert used.outcome == "used"

    def left(self, day: float) -> tuple[int, object]:
        """What is left, and the first moment of the usage period."""
        settle(self.member, moment(day))
        row = Balance.objects.get(member=self.member, benefit=self.downloads)
        return row.granted - row.used, row.period_start


def test_it_is_the_first_day_of_the_trial():
    one = Membership()
    terms.start_trial(member_id=one.member.pk, plan=one.world.month, at=moment(0), actor=None)
    settle(one.member, moment(0))
    one.use(4, 1)
    one.buy(one.world.month, 3)
    assert one.left(3) == (6, moment(0))
    # Neither the days credited nor the day of the purchase move the end of the period: March has 31.
    assert one.left(30.9) == (6, moment(0))
    assert one.left(31) == (10, moment(31))


def test_another_tier_begins_no_other_period():
    one = Membership()
    one.buy(one.world.month, 0)
    one.use(7, 2)
    one.buy(one.world.black_month, 10)
    assert one.left(10) == (3, moment(0))
    assert one.left(31) == (10, moment(31))


def test_who_gets_the_money_back_and_buys_again_has_used_what_was_used():
    one = Membership()
    term = one.buy(one.world.month, 0)
    one.use(7, 2)
    terms.refund_term(term_id=term.pk, at=moment(3), actor=None, reason="changed my mind")
    settle(one.member, moment(3))
    one.buy(one.world.month, 4)
    assert one.left(4) == (3, moment(0))


def test_a_membership_that_ended_long_ago_says_nothing():
    one = Membership()
    one.buy(one.world.month, 0)
    one.buy(one.world.month, 200)
    assert one.left(200) == (10, moment(200))


def test_twelve_ends_of_usage_periods_carry_what_twelve_periods_gave():
    one = Membership(rollover_max=1_000)
    one.buy(one.world.year, 0)
    one.buy(one.world.year, 1)
    # Nobody looks for a year and two days.
    settle(one.member, moment(367))
    carried = Lot.objects.get(member=one.member, bucket=Lot.CARRIED)
    assert (carried.opens_at, carried.amount) == (moment(365), 120)


def test_what_is_given_once_a_term_is_not_given_anew_when_the_term_comes_back():
    """The higher tier has its own; what was set aside goes on with what is left of its."""
    one = Membership(period="term")
    one.buy(one.world.year, 0)
    one.use(7, 2)
    one.buy(one.world.black_month, 10)
    assert one.left(10) == (10, moment(10))
    one.use(4, 11)
    resumed = one.member.terms.filter(closed_at=None, plan=one.world.year).latest("starts_at")
    assert resumed.origin is not None
    day = (resumed.starts_at - moment(0)) / timedelta(days=1) + 1
    assert one.left(day) == (3, moment(0))
    one.use(3, day)
    assert one.left(day + 1) == (0, moment(0))


def test_a_term_that_began_earlier_than_booked_counts_from_when_it_began():
    one = Membership(period="term")
    first = one.buy(one.world.month, 0)
    one.buy(one.world.month, 1)
    terms.refund_term(term_id=first.pk, at=moment(5), actor=None, reason="R")
    assert one.left(5) == (10, moment(5))


def test_the_grace_behind_credited_days_goes_on_with_the_membership():
    one = Membership(period="day")
    one.buy(one.world.week, 0)
    terms.compensate(member_id=one.member.pk, days=3, at=moment(1), actor=None, reason="outage")
    ends_at = one.member.terms.latest("ends_at").ends_at
    day = (ends_at - moment(0)) / timedelta(days=1) + 2.3
    one.buy(one.world.black_month, day)
    _, start = one.left(day)
    assert (start - moment(0)) % timedelta(days=1) == timedelta(0)
    # Behind days that nothing was paid for there is no grace.
    other = Membership.__new__(Membership)
    other.__dict__ = one.__dict__ | {"member": one.world.member()}
    terms.give_term(member_id=other.member.pk, plan=one.world.week, at=moment(0), actor=None)
    ended = (other.member.terms.get().ends_at - moment(0)) / timedelta(days=1)
    other.buy(one.world.black_month, ended + 2.3)
    assert other.left(ended + 2.3)[1] == moment(ended + 2.3)
