"""What members have does not depend on how often, or how late, anybody looks."""

import os
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.engine.refusal import Refused
from entitlements.checks.operations.checking import find_offences
from entitlements.grants.models import Balance, Grant, Lot, Standing
from entitlements.tiers.models import TierStanding
from entitlements.usage.operations.consuming import consume
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.entitlements.world import Ladder, balance, settle
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db

# While she is seen to the system runs; between two facts it may stand still.
FACTS = st.lists(
    st.tuples(
        st.integers(0, 70),
        st.sampled_from(["buy", "buy_black", "gift", "refund", "use", "use", "earn_gold", "earn_black"]),
    ),
    min_size=1, max_size=7,
)  # fmt: skip
LAST_DAY = 105


class Scene:
    """The free tier, gold and black each give downloads by the membership's month and uploads by the calendar's."""

    def __init__(self):
        self.world, ladder = World(), Ladder()
        self.benefits = [ladder.benefit("downloads"), ladder.benefit("uploads", is_by_calendar=True)]
        for benefit in self.benefits:
            for tier, amount in ((None, 2), (self.world.gold, 10), (self.world.black, 30)):
                ladder.cell(tier, benefit, amount)

    def newcomer(self):
        member = self.world.member()
        settle(member, moment(0))
        return member

    def meet(self, member, kind, at):
        try:
            match kind:
                case "buy" | "buy_black":
                    plan = self.world.month if kind == "buy" else self.world.black_month
                    terms.purchase(member_id=member.pk, plan=plan, at=at, actor=None)
                case "gift":
                    terms.give_term(member_id=member.pk, plan=self.world.month, at=at, actor=None)
                case "refund":
                    if last := MembershipTerm.objects.filter(member=member, close_reason="").last():
                        terms.refund_term(term_id=last.pk, at=at, actor=None, reason="")
                case "use":
                    for benefit in self.benefits:
                        consume(member_id=member.pk, benefit=benefit, amount=2, at=at, origin="api")
                case "earn_gold" | "earn_black":
                    tier = self.world.gold if kind == "earn_gold" else self.world.black
                    values = {"tier": tier, "via": "qualified", "since": at, "until": at + timedelta(days=25)}
                    TierStanding.objects.update_or_create(member=member, defaults=values)
        except Refused:
            pass


def live_through(scene, facts, *, often):
    """One member's days, ``often`` looked at or only when something happens: what she has at the end, since when."""
    member = scene.newcomer()
    agenda = sorted(facts)
    for day in range(LAST_DAY):
        while agenda and agenda[0][0] == day:
            _day, kind = agenda.pop(0)
            settle(member, moment(day))
            scene.meet(member, kind, moment(day))
            settle(member, moment(day))
        if often and day % 3 == 0:
            settle(member, moment(day, 19))
    settle(member, moment(LAST_DAY))
    given = Grant.objects.filter(member=member, source__in=["free", "tier"], expires_at__isnull=True)
    return (
        Standing.objects.values_list("via", "tier", "since", "until").get(member=member),
        sorted(Balance.objects.filter(member=member).values_list("benefit", "is_open", "granted", "used", "uses")),
        sorted(given.values_list("benefit", "amount", "effective_at", "voided_at", "anchor_at").distinct(), key=str),
    )


@settings(
    max_examples=100 if os.environ.get("MOC_SOAK") else 4, deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(facts=FACTS)
def test_settling_often_and_once_after_a_standstill_give_the_same(facts):
    with transaction.atomic():
        scene = Scene()
        assert live_through(scene, facts, often=True) == live_through(scene, facts, often=False), facts
        assert [(found.check.code, found.rows) for found in find_offences()] == []
        transaction.set_rollback(True)


def test_the_free_tier_begins_where_the_grace_ended_also_for_who_had_it_before():
    scene = Scene()
    member, (downloads, _uploads) = scene.newcomer(), scene.benefits
    consume(member_id=member.pk, benefit=downloads, amount=2, at=moment(1), origin="api")
    settle(member, moment(5))
    scene.meet(member, "buy", moment(5))
    settle(member, moment(5))
    consume(member_id=member.pk, benefit=downloads, amount=7, at=moment(6), origin="api")
    grace_end = MembershipTerm.objects.get(member=member).held_until("Asia/Shanghai", policy_days=3)
    settle(member, moment(100))
    free = Grant.objects.filter(member=member, benefit=downloads, source="free").order_by("effective_at", "pk")
    assert [(row.effective_at, row.voided_at) for row in free] == [(moment(0), moment(5)), (grace_end, None)]
    assert free[1].created_at == moment(100)
    # Of the periods that passed meanwhile nothing is left or owed; what was used stays where it was used.
    assert balance(member, downloads) == (2, 0)
    assert sorted(Lot.objects.filter(member=member, benefit=downloads).values_list("used", flat=True)) == [2, 7]


def test_the_free_tier_begins_where_an_earned_tier_ran_out():
    scene = Scene()
    member, (downloads, _uploads) = scene.newcomer(), scene.benefits
    scene.meet(member, "earn_gold", moment(5))
    settle(member, moment(5))
    settle(member, moment(100))
    last = Grant.objects.filter(member=member, benefit=downloads, source="free").latest("effective_at")
    assert (last.effective_at, last.anchor_at, last.voided_at) == (moment(30), moment(30), None)


def test_a_tier_that_ran_out_and_is_earned_again_gives_again():
    scene = Scene()
    member, (downloads, _uploads) = scene.newcomer(), scene.benefits
    scene.meet(member, "earn_gold", moment(5))
    for day in (5, 31):
        settle(member, moment(day))
    assert balance(member, downloads) == (2, 0)
    scene.meet(member, "earn_gold", moment(50))
    for day in (50, 51):
        settle(member, moment(day))
    assert balance(member, downloads) == (10, 0)
    gold = Grant.objects.filter(member=member, benefit=downloads, source="tier").order_by("effective_at", "pk")
    assert [row.effective_at for row in gold] == [moment(5), moment(50)]


def test_a_ladder_that_changes_counts_from_the_day_it_is_known():
    scene = Scene()
    member, (downloads, _uploads) = scene.newcomer(), scene.benefits
    settle(member, moment(3))
    ladder = Ladder()
    ladder.next(moment(10))
    ladder.cell(None, downloads, 5)
    settle(member, moment(20))
    free = Grant.objects.filter(member=member, benefit=downloads, source="free").order_by("effective_at", "pk")
    assert [(row.amount, row.effective_at, row.voided_at) for row in free] == [
        (2, moment(0), moment(20)), (5, moment(20), None),
    ]  # fmt: skip
