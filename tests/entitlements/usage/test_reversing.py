"""A use taken back comes back to what it burned, and settles what went beyond a limit."""

from datetime import datetime

import pytest

from entitlements.checks.operations.checking import find_offences
from entitlements.grants.models import Balance, Lot
from entitlements.grants.operations.settling import settle_members
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.consuming import consume, reverse
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from members.terms.operations import terms
from tests.entitlements.world import Ladder, balance, give, settle
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db


class Scene:
    """A member of gold from day 0, who may use 10 downloads a month."""

    def __init__(self, amount: int = 10, **values: object) -> None:
        self.world, self.ladder = World(), Ladder()
        self.downloads = self.ladder.benefit("downloads", **values)
        self.ladder.cell(self.world.gold, self.downloads, amount)
        self.member = self.buyer()

    def buyer(self):
        member = self.world.member()
        terms.purchase(member_id=member.pk, plan=self.world.year, at=moment(0), actor=None)
        settle(member, moment(0))
        return member

    def top_up(self, amount: int, day: float, until: float | None = None, **values: object):
        expires_at = moment(until) if until else None
        grant = give(self.member, self.downloads, amount, moment(day), expires_at=expires_at, **values)
        settle(self.member, moment(day))
        return grant

    def use(self, amount: int, day: float) -> UsageRecord:
        return consume(member_id=self.member.pk, benefit=self.downloads, amount=amount, at=moment(day), origin="api")

    def take_back(self, record: UsageRecord, day: float) -> UsageRecord:
        return reverse(record_id=record.pk, at=moment(day), origin="api")

    def balance(self, day: float) -> tuple[int | None, int, int]:
        """Granted, used and overage."""
        settle(self.member, moment(day))
        row = Balance.objects.get(member=self.member, benefit=self.downloads)
        assert find_offences() == []
        return row.granted, row.used, row.overage

    def lots(self) -> dict[tuple[int, datetime], int]:
        rows = Lot.objects.filter(member=self.member, benefit=self.downloads)
        return {(lot.bucket, lot.opens_at): lot.used for lot in rows}


def test_what_lay_in_a_top_up_that_has_ended_stays_used():
    scene = Scene()
    scene.top_up(5, 1, until=3)
    first = scene.use(5, 2)
    scene.use(10, 4)
    answer = scene.take_back(first, 5)
    assert scene.balance(5) == (10, 10, 0)
    assert (answer.granted_after, answer.used_after) == (10, 10)
    assert scene.use(1, 5).outcome == "limit_reached"


def test_a_use_comes_back_to_the_lots_that_it_burned():
    scene = Scene(100)
    scene.top_up(2, 1, until=4)
    scene.use(2, 2)
    second = scene.use(5, 3)
    scene.take_back(second, 3)
    assert scene.balance(3) == (102, 2, 0)
    assert scene.balance(5) == (100, 0, 0)


def test_a_use_that_burned_two_lots_comes_back_to_the_one_that_is_open():
    scene = Scene()
    top_up = scene.top_up(3, 1, until=4)
    both = scene.use(7, 2)
    assert scene.balance(3) == (13, 7, 0)
    scene.take_back(both, 5)
    assert scene.balance(5) == (10, 0, 0)
    assert scene.lots() == {(top_up.pk, moment(1)): 3, (Lot.LADDER, moment(0)): 0}


def test_uses_come_back_in_any_order():
    scene = Scene()
    scene.top_up(3, 1, until=20)
    uses = [scene.use(amount, 2) for amount in (2, 4, 3, 1)]
    for which, left in ((1, 6), (3, 5), (0, 3), (2, 0)):
        scene.take_back(uses[which], 3)
        assert scene.balance(3) == (13, left, 0)
    assert set(scene.lots().values()) == {0}


def test_what_lay_in_a_usage_period_that_has_ended_stays_used():
    scene = Scene()
    use = scene.use(4, 1)
    scene.use(3, 40)
    scene.take_back(use, 41)
    assert scene.balance(41) == (10, 3, 0)


def test_a_use_taken_back_settles_overage():
    scene = Scene(is_hard_limit=False)
    first, second = scene.use(8, 1), scene.use(5, 1)
    assert scene.balance(1) == (10, 10, 3)
    scene.take_back(first, 2)
    assert scene.balance(2) == (10, 5, 0)
    # What was overage counts within the limit now, and comes back as such.
    scene.take_back(second, 3)
    assert scene.balance(3) == (10, 0, 0)


def test_overage_taken_back_is_none_any_more():
    scene = Scene(is_hard_limit=False)
    scene.use(8, 1)
    scene.take_back(scene.use(5, 1), 2)
    assert scene.balance(2) == (10, 8, 0)


def test_a_later_top_up_settles_overage():
    scene = Scene(is_hard_limit=False)
    scene.use(14, 1)
    assert scene.balance(1) == (10, 10, 4)
    scene.top_up(3, 2)
    assert scene.balance(2) == (13, 13, 1)
    scene.top_up(3, 3)
    assert scene.balance(3) == (16, 14, 0)


def test_the_overage_of_a_usage_period_stays_with_it():
    scene = Scene(is_hard_limit=False)
    scene.use(14, 1)
    assert scene.balance(35) == (10, 0, 0)
    scene.top_up(9, 36)
    assert scene.balance(36) == (19, 0, 0)
    assert scene.lots()[Lot.OVERAGE, moment(0)] == 4


def test_without_the_ladder_overage_is_of_what_was_given():
    scene = Scene(is_hard_limit=False)
    scene.member = scene.world.member()
    scene.top_up(2, 1)
    scene.use(5, 2)
    assert scene.balance(2) == (2, 2, 3)
    scene.top_up(2, 3)
    assert scene.balance(3) == (4, 4, 1)


def test_the_overage_of_the_free_tier_is_not_the_terms():
    """Usage periods that last as long as what they are counted from have no end, and are told apart all the same."""
    scene = Scene(period="term", is_hard_limit=False)
    scene.ladder.cell(None, scene.downloads, 1)
    scene.member = scene.world.member()
    scene.use(5, 1)
    assert scene.balance(1) == (1, 1, 4)
    terms.purchase(member_id=scene.member.pk, plan=scene.world.year, at=moment(2), actor=None)
    assert scene.balance(2) == (10, 0, 0)


def test_a_reversal_after_a_downgrade_gives_back():
    scene = Scene(100, is_by_calendar=True)
    scene.ladder.cell(None, scene.downloads, 10)
    first = scene.use(9, 1)
    scene.use(6, 1)
    terms.refund_term(term_id=scene.member.terms.get().pk, at=moment(2), actor=None, reason="")
    assert scene.balance(2) == (10, 10, 0)
    scene.take_back(first, 3)
    assert scene.balance(3) == (10, 6, 0)


def test_the_grant_that_expires_first_burns_first_also_when_it_is_the_ladders():
    """The ladder's usage period goes on beyond the term; the top-up outlives the term, not the period."""
    scene = Scene(period="year", is_by_calendar=True)
    scene.member = scene.world.member()
    terms.purchase(member_id=scene.member.pk, plan=scene.world.week, at=moment(0), actor=None)
    settle(scene.member, moment(0))
    scene.top_up(5, 0, until=9)
    scene.use(4, 1)
    settle(scene.member, moment(2))
    assert {bucket: used for (bucket, _), used in scene.lots().items()} == {Lot.LADDER: 4}


def test_the_grant_that_expires_first_burns_first_also_when_it_outlives_the_usage_period():
    scene = Scene()
    top_up = scene.top_up(5, 20, until=45)
    scene.use(4, 29)
    settle(scene.member, moment(29))
    assert {bucket: used for (bucket, _), used in scene.lots().items()} == {top_up.pk: 4}


def test_after_a_merge_and_after_it_is_undone_uses_come_back_to_their_lots(operator):
    scene = Scene()
    other = scene.world.member()
    scene.top_up(5, 1, until=20)
    kept = scene.use(2, 2)
    give(other, scene.downloads, 7, moment(1))
    settle(other, moment(1))
    gone = consume(member_id=other.pk, benefit=scene.downloads, amount=3, at=moment(2), origin="api")
    settle_members(member_ids=[scene.member.pk, other.pk], at=moment(3))
    merge = merge_members(actor=operator, at=moment(4), survivor_id=scene.member.pk, absorbed_id=other.pk)
    assert scene.balance(4) == (22, 5, 0)
    scene.take_back(gone, 5)
    assert scene.balance(5) == (22, 2, 0)
    unmerge_members(record_id=merge.pk, actor=operator, at=moment(6))
    settle_members(member_ids=[scene.member.pk, other.pk], at=moment(6))
    scene.take_back(kept, 7)
    assert scene.balance(7) == (15, 0, 0)
    assert balance(other, scene.downloads) == (7, 0)
