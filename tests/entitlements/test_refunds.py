"""A refund takes back what the term gave, keeps what was used, and leaves no balance below nothing."""

import pytest

from entitlements.checks.operations.checking import find_offences
from entitlements.grants.models import Balance, Grant
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.consuming import consume
from members.terms.operations import terms
from tests.entitlements.world import Ladder, balance, give, settle
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db


class Scene:
    def __init__(self) -> None:
        self.world, self.ladder = World(), Ladder()
        self.downloads = self.ladder.benefit("downloads")
        self.album = self.ladder.benefit("album", kind="access")
        self.ladder.cell(self.world.gold, self.downloads, 10)
        self.ladder.cell(self.world.gold, self.album)
        self.member = self.world.member()

    def use(self, amount, day):
        return consume(
            member_id=self.member.pk, benefit=self.downloads, amount=amount, at=moment(day), origin="api"
        ).outcome

    def buy(self, day, plan=None):
        return self.book(terms.purchase, day, plan=plan or self.world.month)

    def book(self, operation, day, **values):
        term = operation(member_id=self.member.pk, at=moment(day), actor=None, **values)
        settle(self.member, moment(day))
        return term

    def close(self, operation, term, day):
        operation(term_id=term.pk, at=moment(day), actor=None, reason="asked for it")
        settle(self.member, moment(day))


@pytest.fixture
def scene():
    return Scene()


def check(scene):
    assert find_offences() == []
    for row in Balance.objects.filter(member=scene.member):
        assert row.granted is None or 0 <= row.used <= row.granted


def test_what_the_term_gave_is_withdrawn_and_what_was_used_stays(scene):
    term = scene.buy(0)
    assert scene.use(7, 1) == "used"
    scene.close(terms.refund_term, term, 2)
    assert not Grant.objects.filter(member=scene.member).open(moment(2)).exists()
    voided = Grant.objects.filter(member=scene.member, source="term", source_id=term.pk)
    assert {(grant.voided_at, grant.void_reason) for grant in voided} == {(moment(2), "source_ended")}
    assert UsageRecord.objects.filter(member=scene.member, outcome="used").count() == 1
    assert Balance.objects.get(member=scene.member, benefit=scene.downloads).uses == 1
    assert scene.use(1, 3) == "no_access"
    check(scene)


def test_buying_again_after_a_refund_does_not_start_the_calendar_month_anew(scene):
    monthly = scene.ladder.benefit("monthly", is_by_calendar=True)
    scene.ladder.cell(scene.world.gold, monthly, 10)
    term = scene.buy(0)
    consume(member_id=scene.member.pk, benefit=monthly, amount=7, at=moment(1), origin="api")
    scene.close(terms.refund_term, term, 2)
    scene.buy(3)
    assert balance(scene.member, monthly) == (10, 7)
    check(scene)


def test_a_voided_gift_and_a_voided_compensation_too(scene):
    gift = scene.book(terms.give_term, 0, plan=scene.world.month)
    assert balance(scene.member, scene.downloads) == (10, 0)
    extra = scene.book(terms.compensate, 1, days=5, reason="late")
    scene.use(4, 2)
    scene.close(terms.void_term, extra, 3)
    assert balance(scene.member, scene.downloads) == (10, 4)
    scene.close(terms.void_term, gift, 4)
    assert balance(scene.member, scene.downloads) == (0, 0)
    check(scene)


def test_a_compensation_gives_what_its_tier_gives_while_it_runs(scene):
    scene.buy(0)
    extra = scene.book(terms.compensate, 1, days=5, reason="late")
    settle(scene.member, moment(32))
    assert balance(scene.member, scene.downloads) == (10, 0)
    scene.close(terms.void_term, extra, 33)
    assert balance(scene.member, scene.downloads) == (10, 0), "the grace of the paid term, which ended with day 31"
    settle(scene.member, moment(36))
    assert balance(scene.member, scene.downloads) == (0, 0)
    check(scene)


def test_a_refunded_renewal_takes_nothing_of_the_running_term(scene):
    scene.buy(0)
    later = scene.buy(1)
    scene.use(3, 2)
    scene.close(terms.refund_term, later, 3)
    assert balance(scene.member, scene.downloads) == (10, 3)
    settle(scene.member, moment(40))
    assert balance(scene.member, scene.downloads) == (0, 0)
    check(scene)


def test_of_two_sources_the_benefit_ends_with_the_last(scene):
    """Used from the ladder, the one-off is there still; access stays while any source gives it."""
    term = scene.buy(0)
    give(scene.member, scene.downloads, 5, moment(0), expires_at=moment(20), priority=200)
    give(scene.member, scene.album, 1, moment(0), expires_at=moment(10))
    settle(scene.member, moment(1))
    assert balance(scene.member, scene.downloads) == (15, 0)
    scene.use(7, 1)
    scene.close(terms.refund_term, term, 2)
    assert balance(scene.member, scene.downloads) == (5, 0)
    assert Balance.objects.get(member=scene.member, benefit=scene.album).is_open
    settle(scene.member, moment(10))
    assert not Balance.objects.get(member=scene.member, benefit=scene.album).is_open
    assert balance(scene.member, scene.downloads) == (5, 0)
    settle(scene.member, moment(20))
    assert balance(scene.member, scene.downloads) == (0, 0)
    check(scene)


def test_more_used_than_is_left_is_no_debt(scene):
    """Twelve of fifteen used; without the term's ten nothing is left, and nothing is owed."""
    term = scene.buy(0)
    give(scene.member, scene.downloads, 5, moment(0), priority=50)
    settle(scene.member, moment(1))
    scene.use(12, 1)
    scene.close(terms.refund_term, term, 2)
    assert balance(scene.member, scene.downloads) == (5, 5)
    assert scene.use(1, 3) == "limit_reached"
    give(scene.member, scene.downloads, 2, moment(4))
    settle(scene.member, moment(4))
    assert balance(scene.member, scene.downloads) == (7, 5)
    check(scene)
