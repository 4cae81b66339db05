"""Tiers earned, kept and lost, on lives small enough to work out by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from config.audit.models import AuditEntry
from config.engine.stays import horizon
from entitlements.tiers.measures import MEASURES, Measure, Unit
from entitlements.tiers.models import ManualTier, TierBrake, TierChange, TierStanding
from entitlements.tiers.operations import assessing, manual
from entitlements.tiers.querysets.standing import effective_tier
from members.lifecycle.operations import sweep
from members.people.models import Member
from members.plans.models import Plan, Tier
from members.terms.operations import terms
from tests.entitlements.tiers.world import DAY, World, path, standing, tier
from tests.horizon import wait_for_horizon

pytestmark = pytest.mark.django_db


def local(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """An instant by Shanghai's clock."""
    return datetime(year, month, day, hour, tzinfo=UTC) - timedelta(hours=8)


NOW = local(2026, 6, 1, 12)
NEW_YEAR = local(2027, 1, 1)


@pytest.fixture
def world(db) -> World:
    return World(NOW)


def test_a_reached_threshold_raises_at_once_and_the_gap_shrinks(world):
    world.policy()
    member = world.member(NOW - 100 * DAY)
    world.pay(member, 9_000, NOW - DAY)
    world.assess(NOW)
    assert (tier(member), standing(member).gap, standing(member).next_tier.code) == (None, 1_000, "silver")
    world.pay(member, 1_000, NOW + DAY)
    world.assess(NOW + DAY)
    found = standing(member)
    assert (found.tier.code, found.via, found.gap, found.next_tier.code) == ("silver", "qualified", 40_000, "gold")
    # Reached in 2026, so held through 2027 and the grace after it.
    assert found.lasts_until == local(2028, 1, 31)
    change = TierChange.objects.get(member=member)
    assert (change.from_tier, change.to_tier, change.at) == (None, world.tiers["silver"], NOW + DAY)
    assert change.facts["now"] == {"spend": 10_000}


def test_the_highest_tier_that_is_reached_and_none_above_it(world):
    world.policy()
    member = world.member(NOW - 100 * DAY)
    world.pay(member, 120_000, NOW - DAY)
    world.assess(NOW)
    assert (path(member), standing(member).next_tier, standing(member).gap) == (["black"], None, None)


@pytest.mark.parametrize(("downgrade", "left"), [("none", "black"), ("one_step", "gold"), ("by_balance", "silver")])
def test_at_the_end_of_the_period_and_grace_the_downgrade_policy_acts(world, downgrade, left):
    world.policy(downgrade=downgrade, grace_days=10, notice_days=30)
    member = world.member(NOW - 700 * DAY)
    world.pay(member, 100_000, NOW - DAY)
    world.assess(NOW)
    world.pay(member, 12_000, local(2027, 5, 1))  # 2027 gives silver only
    world.assess(NEW_YEAR)
    assert tier(member) == "black"
    end = local(2028, 1, 1)
    world.assess(end + 9 * DAY)
    assert tier(member) == "black", "tier grace"
    world.assess(end + 10 * DAY)
    assert tier(member) == left
    assert standing(member).lasts_until == (None if downgrade == "none" else local(2029, 1, 11))


def test_a_tier_reached_again_in_its_period_is_kept(world):
    world.policy()
    member = world.member(NOW - 700 * DAY)
    world.pay(member, 50_000, NOW - DAY)
    world.assess(NOW)
    world.pay(member, 50_000, local(2027, 12, 30))
    world.assess(local(2028, 3, 1))
    assert (path(member), standing(member).lasts_until) == (["gold"], local(2029, 1, 31))


def test_a_tier_reached_again_in_the_grace_is_kept(world):
    world.policy(grace_days=20)
    member = world.member(NOW - 700 * DAY)
    world.pay(member, 10_000, NOW - DAY)
    world.assess(NOW)
    world.assess(local(2028, 1, 5))
    world.pay(member, 10_000, local(2028, 1, 10))
    world.assess(local(2028, 1, 30))
    assert (path(member), standing(member).lasts_until) == (["silver"], local(2030, 1, 21))


def test_a_downgrade_is_announced_ahead_and_no_more_once_the_tier_is_earned_again(world):
    world.policy(downgrade="one_step", grace_days=10, notice_days=30)
    member = world.member(NOW - 700 * DAY)
    world.pay(member, 50_000, NOW - DAY)
    world.assess(NOW)
    acts = local(2028, 1, 11)
    world.assess(acts - 31 * DAY)
    assert standing(member).will_downgrade_at is None
    assessing.assess(at=acts - 30 * DAY)
    found = standing(member)
    assert (found.will_downgrade_at, found.will_downgrade_to.code) == (acts, "silver")
    world.pay(member, 50_000, acts - 25 * DAY)
    world.assess(acts - 25 * DAY)
    assert standing(member).will_downgrade_at is None


def test_several_years_missed_come_out_as_if_each_had_been_looked_at(world):
    world.policy(downgrade="one_step", grace_days=10)
    member = world.member(NOW - 700 * DAY)
    world.pay(member, 100_000, NOW - DAY)
    world.assess(NOW)
    world.assess(local(2030, 1, 12))
    assert path(member) == ["black", "gold", "silver", None]


def test_a_year_from_the_leap_day_ends_on_the_28th_and_comes_back_to_the_29th(world):
    world.policy(local(2024, 3, 1), period="anniversary", grace_days=0, downgrade="by_balance")
    member = world.member(local(2024, 2, 29, 10))
    world.pay(member, 10_000, local(2024, 6, 1))
    world.assess(local(2024, 6, 2))
    assert standing(member).judged_on.isoformat() == "2025-02-28"
    for paid_at in (local(2026, 2, 27), local(2027, 2, 27, 23)):
        world.pay(member, 10_000, paid_at)
    for year in (2025, 2026, 2027):
        world.assess(local(year, 2, 28, 1))
    assert standing(member).judged_on.isoformat() == "2028-02-29"
    world.assess(local(2028, 2, 28, 23))
    assert tier(member) == "silver"
    world.assess(local(2028, 2, 29))
    assert path(member) == ["silver", None]


def test_a_rolling_tier_lasts_its_months_and_drifts_off_no_month_end(world):
    start = local(2026, 1, 31, 9)
    world.policy(start, period="rolling", period_months=3, grace_days=0, downgrade="by_balance")
    member = world.member(start - 400 * DAY)
    world.pay(member, 6_000, local(2025, 12, 1))
    world.pay(member, 4_000, start)
    world.assess(start)
    ends = []
    for at, cents in ((local(2026, 4, 1), 10_000), (local(2026, 4, 30), 0), (local(2026, 7, 31), 0)):
        ends.append(standing(member).judged_on.isoformat())
        if cents:
            world.pay(member, cents, at)
        world.assess(at)
    assert ends == ["2026-04-30", "2026-04-30", "2026-07-31"]
    assert path(member) == ["silver", None]


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        ("America/New_York", datetime(2028, 1, 1, 5, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2027, 12, 31, 10, tzinfo=UTC)),
        ("", datetime(2027, 12, 31, 16, tzinfo=UTC)),
    ],
)
def test_a_year_ends_by_the_members_own_clock(world, zone, end):
    world.policy(grace_days=0, downgrade="by_balance")
    member = world.member(NOW - 700 * DAY, time_zone=zone)
    world.pay(member, 10_000, NOW - DAY)
    world.assess(NOW)
    world.assess(NEW_YEAR + DAY)
    assert standing(member).lasts_until == end
    assessing.assess(at=end - timedelta(seconds=1))
    assert tier(member) == "silver"
    assessing.assess(at=end)
    assert tier(member) is None


def effective(member, at):
    sweep.sweep(at=at)
    found = Member.objects.annotate(now=effective_tier(at)).get(pk=member.pk).now
    return Tier.objects.get(pk=found).code


def test_a_bought_tier_is_the_floor_where_the_policy_says_so(world):
    plan = Plan.objects.create(
        code="gold", name="Gold", tier=world.tiers["gold"], duration_unit="year", duration_count=3, price_cents=0
    )
    for is_floor, above in ((True, "black"), (False, "silver")):
        at = NOW if is_floor else NOW + DAY
        world.policy(at, downgrade="by_balance", grace_days=0, plan_is_floor=is_floor)
        members = [world.member(NOW - 700 * DAY) for _ in range(2)]
        for member in members:
            terms.purchase(member_id=member.pk, plan=plan, at=at, actor=None)
        world.pay(members[0], 100_000, at)
        world.pay(members[0], 10_000, local(2027, 3, 1))
        world.assess(at)
        assert standing(members[1]).next_tier.code == above
        world.assess(local(2027, 1, 2))
        world.assess(local(2028, 1, 2))
        # What was bought is never written into what was earned: it lasts as long as it was bought for.
        assert tier(members[0]) == "silver"
        assert effective(members[0], local(2028, 1, 2)) == "gold"


def test_all_or_any_of_several_measures(world):
    both = {"spend": 10_000, "tenure_days": 365}
    for joined_by, expected in (("all", None), ("any", "silver")):
        world.policy(rungs=world.asked(joined_by, silver=both))
        member = world.member(NOW - 30 * DAY)
        world.pay(member, 10_000, NOW - DAY)
        world.assess(NOW)
        assert tier(member) == expected


@pytest.mark.django_db(transaction=True)
def test_terms_paid_count_and_refunded_ones_do_not(world):
    world.policy()
    plan = Plan.objects.create(code="p", name="P", tier=world.tiers["silver"], price_cents=50_000)
    member = world.member(NOW - 30 * DAY)
    terms.purchase(member_id=member.pk, plan=plan, at=NOW, actor=None)
    wait_for_horizon()
    assessing.assess(at=NOW)
    assert standing(member).facts["now"] == {"spend": 50_000}
    other = world.member(NOW - 30 * DAY)
    term = terms.purchase(member_id=other.pk, plan=plan, at=NOW, actor=None)
    terms.refund_term(term_id=term.pk, at=NOW + DAY, actor=None, reason="No")
    world.assess(NOW + DAY)
    assert standing(other).facts["now"] == {"spend": 0}


def test_a_measure_of_another_app_comes_through_the_door(world, lend):
    lend(MEASURES)
    member = world.member(NOW - 30 * DAY)
    statement = f"SELECT member_id, slot, 7 AS value FROM asked WHERE member_id = {member.pk}"
    MEASURES.register(Measure("growth_value", "Growth value", Unit.POINTS, statement))
    world.policy(rungs=world.asked(silver={"growth_value": 7}, gold={"growth_value": 10}), gap_measure="growth_value")
    assert (tier(member), standing(member).gap) == ("silver", 3)
    with pytest.raises(ValueError, match="not the code"):
        MEASURES.register(Measure("growth value", "", Unit.POINTS, ""))


def test_a_manual_tier_is_given_with_a_reason_ends_and_is_taken_back(world, operator):
    world.policy()
    member = world.member(NOW - 30 * DAY)
    gold, black = world.tiers["gold"].pk, world.tiers["black"].pk
    manual.give_tier(
        member_id=member.pk, tier_id=gold, reason="An apology", until=NOW + 5 * DAY, actor=operator, at=NOW
    )
    found = standing(member)
    assert (found.tier.code, found.via, found.until) == ("gold", "manual", NOW + 5 * DAY)
    assert (found.manual.reason, found.manual.set_by) == ("An apology", operator)
    assert TierChange.objects.get(member=member).actor == operator
    world.pay(member, 10_000, NOW + DAY)
    world.assess(NOW + DAY)
    assert tier(member) == "gold"
    assessing.assess(at=NOW + 5 * DAY)
    assert (tier(member), standing(member).via) == ("silver", "qualified")
    manual.give_tier(member_id=member.pk, tier_id=black, reason="A guest", until=None, actor=operator, at=NOW + 6 * DAY)
    manual.give_tier(member_id=member.pk, tier_id=gold, reason="Less", until=None, actor=operator, at=NOW + 6 * DAY)
    assert ManualTier.objects.filter(member=member, ended_at=None).count() == 1
    at = NOW + 7 * DAY
    assert manual.take_tier_back(member_id=member.pk, reason="Done", actor=operator, at=at)
    assert not manual.take_tier_back(member_id=member.pk, reason="Done", actor=operator, at=at)
    assert path(member) == ["gold", "silver", "black", "gold", "silver"]
    assert AuditEntry.objects.filter(member_id=member.pk, action__startswith="tier.").count() == 4


def test_a_manual_tier_takes_no_higher_earned_one_away(world, operator):
    world.policy()
    member = world.member(NOW - 30 * DAY)
    world.pay(member, 100_000, NOW)
    world.assess(NOW)
    silver = world.tiers["silver"].pk
    manual.give_tier(member_id=member.pk, tier_id=silver, reason="By mistake", until=None, actor=operator, at=NOW)
    assert (tier(member), standing(member).via) == ("black", "qualified")


@pytest.mark.django_db(transaction=True)
def test_who_changed_is_a_log_with_a_cursor(world):
    world.policy()
    member, idle = world.member(NOW - 30 * DAY), world.member(NOW - 30 * DAY)
    world.assess(NOW)
    wait_for_horizon()
    after = horizon()
    assert TierStanding.objects.changed_since(0)[0] == []
    world.pay(member, 10_000, NOW)
    wait_for_horizon()
    assessing.assess(at=NOW)
    wait_for_horizon()
    changed, upto = TierStanding.objects.changed_since(after)
    assert (changed, upto > after) == ([member.pk], True)
    world.assess(NOW + DAY)
    assert TierStanding.objects.changed_since(upto)[0] == []
    assert standing(idle).tier is None


def test_too_many_moves_stop_and_ask(world, approver):
    world.policy(brake_percent=10, brake_floor=2)
    members = [world.member(NOW - 30 * DAY) for _ in range(5)]
    for member in members:
        world.pay(member, 10_000, NOW)
    brake = world.assess(NOW).brake
    assert (brake.moved_count, brake.limit_count, brake.base_count) == (5, 2, 5)
    assert brake.matrix == [{"from": None, "to": world.tiers["silver"].pk, "members": 5}]
    assert [tier(member) for member in members] == [None] * 5
    assert assessing.assess(at=NOW).judged == 0, "they are held until somebody decides"
    assessing.decide_brake(brake_id=brake.pk, is_right=False, actor=approver, at=NOW, reason="Mend it")
    again = assessing.assess(at=NOW).brake
    assert again.pk != brake.pk
    assessing.decide_brake(brake_id=again.pk, is_right=True, actor=approver, at=NOW, reason="Right")
    assert assessing.assess(at=NOW).judged == 5
    assert [tier(member) for member in members] == ["silver"] * 5
    assert TierBrake.objects.get(pk=again.pk).ran_at == NOW
    with pytest.raises(TierBrake.DoesNotExist):
        assessing.decide_brake(brake_id=again.pk, is_right=True, actor=approver, at=NOW, reason="")


def test_few_moves_pass_the_brake(world):
    world.policy(brake_percent=0.1, brake_floor=2)
    members = [world.member(NOW - 30 * DAY) for _ in range(5)]
    for member in members[:2]:
        world.pay(member, 10_000, NOW)
    assert world.assess(NOW).brake is None
    assert [tier(member) for member in members] == ["silver"] * 2 + [None] * 3


@pytest.mark.django_db(transaction=True)
def test_facts_are_noticed_once_and_by_their_log(world):
    world.policy()
    member, idle = world.member(NOW - 30 * DAY), world.member(NOW - 30 * DAY)
    world.assess(NOW)
    TierStanding.objects.update(due_at=None)
    world.pay(member, 10_000, NOW)
    wait_for_horizon()
    question = assessing.question_of(assessing.active_policy(), at=NOW)
    assert assessing.notice_facts(question, at=NOW) >= 1
    assert standing(idle).due_at is None
    assert standing(member).due_at == NOW
    TierStanding.objects.update(due_at=None)
    assert assessing.notice_facts(question, at=NOW) == 0
