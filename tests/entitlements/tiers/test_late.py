"""Tiers looked at late, or held: the outcome is that of looks in time."""

from datetime import UTC, datetime, timedelta

import pytest

from config.engine import brakes
from entitlements.tiers.models import TierBrake, TierChange, TierStanding
from entitlements.tiers.operations import assessing, manual
from members.events.operations.recording import record_events
from members.plans.models import Plan
from members.terms.operations import terms
from tests.entitlements.making import balance, give, make_benefit
from tests.entitlements.tiers.world import DAY, World, path, standing, tier
from tests.horizon import wait_for_horizon

HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db(transaction=True)


def local(year: int, month: int, day: int, hour: int = 0) -> datetime:
    """An instant by Shanghai's clock."""
    return datetime(year, month, day, hour, tzinfo=UTC) - timedelta(hours=8)


START = local(2026, 3, 1)
NEW_YEAR = local(2027, 1, 1)


@pytest.fixture
def world(db) -> World:
    return World(START)


def assess(at: datetime) -> assessing.Assessed:
    wait_for_horizon()
    return assessing.assess(at=at)


def report(world, member, cents, at, *, received_at, **properties):
    """An event that came later than it happened."""
    world.serial += 1
    record_events(
        rows=[{"member_id": member.pk, "name": "bought", "occurred_at": at, "message_id": f"p{world.serial}",
               "value_cents": cents, "currency": "CNY", "properties": properties}],
        source=world.source, at=received_at,
    )  # fmt: skip


def changes(member) -> list[tuple[str | None, datetime]]:
    rows = TierChange.objects.filter(member=member).select_related("to_tier").order_by("pk")
    return [(row.to_tier.code if row.to_tier else None, row.at) for row in rows]


def test_what_was_reached_before_the_periods_end_is_given_when_looked_at_after_it(world):
    world.policy()
    member = world.member(START)
    world.pay(member, 50_000, local(2026, 12, 30, 12))
    found = assess(local(2027, 2, 8))
    assert found.judged
    assert changes(member) == [("gold", local(2026, 12, 30, 12))]
    assert TierChange.objects.get(member=member).recorded_at == local(2027, 2, 8)
    assert standing(member).lasts_until == local(2028, 1, 31)


def test_an_event_of_the_old_year_that_arrives_next_morning_counts_in_the_old_year(world):
    world.policy()
    member = world.member(START)
    assess(NEW_YEAR + HOUR)
    report(world, member, 50_000, NEW_YEAR - 2 * HOUR, received_at=NEW_YEAR + 9 * HOUR)
    assess(NEW_YEAR + 10 * HOUR)
    assert changes(member) == [("gold", NEW_YEAR + 9 * HOUR)]
    assert standing(member).lasts_until == local(2028, 1, 31)
    assert standing(member).gap == 100_000, "of the new year nothing is counted yet"


def test_a_policy_put_in_force_in_january_sees_the_year_that_was_over(world):
    member, early = world.member(START), world.member(START)
    world.pay(member, 50_000, local(2026, 12, 1))
    world.pay(early, 50_000, local(2025, 12, 1))
    wait_for_horizon()
    at = local(2027, 1, 11)
    world.policy(at)
    assert changes(member) == [("gold", at)]
    assert standing(member).lasts_until == local(2028, 1, 31)
    assert tier(early) is None


@pytest.mark.parametrize("looked_on", [local(2027, 1, 2), local(2027, 2, 20)])
def test_a_tier_held_by_the_brake_is_given_as_of_the_day_it_was_reached(world, approver, looked_on):
    world.policy(brake_percent=1, brake_floor=1)
    members = [world.member(START) for _ in range(3)]
    for member in members:
        world.pay(member, 50_000, local(2026, 12, 31, 12))
    brake = assess(local(2026, 12, 31, 13)).brake
    assessing.decide_brake(brake_id=brake.pk, is_right=True, actor=approver, at=looked_on, reason="Right")
    assess(looked_on)
    assert [changes(member) for member in members] == [[("gold", local(2026, 12, 31, 12))]] * 3
    assert {standing(member).lasts_until for member in members} == {local(2028, 1, 31)}


def held_year(world):
    """Five golds of 2026 of whom nobody earned it again, up to the end of the grace after 2027; and one at silver."""
    world.policy(downgrade="one_step", grace_days=10, brake_percent=1, brake_floor=2)
    members = [world.member(START) for _ in range(5)]
    for number, member in enumerate(members):
        at = local(2026, 4, 1 + number)
        world.pay(member, 50_000, at)
        assess(at)
    return members


def test_a_held_downgrade_leaves_tier_and_benefits_as_they_were_and_nobody_else_waits(world, approver):
    benefit = make_benefit(code="downloads")
    give(benefit, world.tiers["gold"], 50)
    give(benefit, world.tiers["silver"], 10)
    members = held_year(world)
    falls = local(2028, 1, 11)
    brake = assess(falls).brake
    assert brake is not None
    assert brake.moved_count == 5
    later = falls + 7 * DAY
    other = world.member(falls)
    world.pay(other, 10_000, falls + DAY)
    assert assess(falls + DAY).brake is None
    assert tier(other) == "silver", "who is not concerned does not stand still"
    assert [tier(member) for member in members] == ["gold"] * 5
    assert balance(members[0], benefit, later).granted == 50
    assessing.decide_brake(brake_id=brake.pk, is_right=True, actor=approver, at=later, reason="Right")
    assess(later)
    assert [changes(member)[-1] for member in members] == [("silver", falls)] * 5
    assert not TierStanding.objects.filter(brake__isnull=False).exists()
    assert balance(members[0], benefit, later).granted == 10


def test_who_is_held_can_be_given_a_tier_and_keeps_what_is_held(world, operator, approver):
    members = held_year(world)
    falls = local(2028, 1, 11)
    brake = assess(falls).brake
    black = world.tiers["black"].pk
    manual.give_tier(
        member_id=members[0].pk, tier_id=black, reason="A guest", until=None, actor=operator, at=falls + DAY
    )
    assert (tier(members[0]), standing(members[0]).qualified_tier.code) == ("black", "gold")
    manual.take_tier_back(member_id=members[0].pk, reason="Gone", actor=operator, at=falls + 2 * DAY)
    assert (tier(members[0]), standing(members[0]).via) == ("gold", "qualified")
    assessing.decide_brake(brake_id=brake.pk, is_right=True, actor=approver, at=falls + 3 * DAY, reason="Right")
    assess(falls + 3 * DAY)
    assert [tier(member) for member in members] == ["silver"] * 5
    # What was shown while it was held is not unsaid.
    instants = [at for _, at in changes(members[0])]
    assert instants == sorted(instants)


def test_a_fact_that_came_a_day_late_counts_from_its_own_day_whenever_it_is_looked_at(world):
    world.policy(period="rolling", period_months=3, downgrade="by_balance", grace_days=0)
    looked_at, waiting = world.member(START), world.member(START)
    for member in (looked_at, waiting):
        report(world, member, 50_000, local(2026, 11, 2, 23), received_at=local(2026, 11, 3, 2))
        if member is looked_at:
            assess(local(2026, 11, 3, 1))
    assess(local(2027, 1, 20))
    for member in (looked_at, waiting):
        assert changes(member) == [("gold", local(2026, 11, 3, 2))]
        assert standing(member).anchor_on.isoformat() == "2026-11-02"
    assess(local(2027, 2, 2, 1))
    assert {standing(member).judged_on.isoformat() for member in (looked_at, waiting)} == {"2027-05-02"}


def test_a_tier_given_by_hand_does_not_hide_what_was_reached_before(world, operator):
    world.policy()
    member = world.member(START)
    assess(local(2026, 12, 10))
    world.pay(member, 100_000, local(2026, 12, 15, 21))
    wait_for_horizon()
    gold = world.tiers["gold"].pk
    at = local(2026, 12, 17)
    manual.give_tier(member_id=member.pk, tier_id=gold, reason="A guest", until=None, actor=operator, at=at)
    assert changes(member) == [("black", local(2026, 12, 15, 21))]


def test_a_released_hold_is_judged_anew_from_the_mended_facts(world, approver):
    members = held_year(world)
    falls = local(2028, 1, 11)
    brake = assess(falls).brake
    for member in members:
        report(world, member, 50_000, local(2027, 6, 1), received_at=falls + 2 * DAY)
    assessing.decide_brake(brake_id=brake.pk, is_right=False, actor=approver, at=falls + 3 * DAY, reason="A dead feed")
    found = assess(falls + 3 * DAY)
    # As known on the day they fell, and mended two days later: nobody has moved.
    assert TierBrake.objects.filter(status=brakes.Status.OPEN).count() == (1 if found.brake else 0)
    assert [tier(member) for member in members] == ["gold"] * 5


def test_a_refund_event_counts_in_the_year_of_what_it_refunds_else_in_its_own(world):
    world.policy()
    named, bare = world.member(START), world.member(START)
    for member in (named, bare):
        report(world, member, 50_000, local(2026, 12, 1), received_at=local(2026, 12, 1), order_id=f"o{member.pk}")
    assess(local(2026, 12, 2))
    assert (tier(named), tier(bare)) == ("gold", "gold")
    refunded = local(2027, 1, 10)
    for member, properties in ((named, {"refund_of": f"o{named.pk}"}), (bare, {})):
        report(world, member, -50_000, refunded, received_at=refunded, **properties)
    report(world, bare, 40_000, local(2027, 3, 1), received_at=local(2027, 3, 1))
    assess(local(2027, 3, 2))
    assert changes(named) == [("gold", local(2026, 12, 1)), (None, refunded)]
    assert (tier(bare), standing(bare).facts["now"]) == ("gold", {"spend": 0})


@pytest.mark.parametrize(("takes_back", "left"), [(True, None), (False, "gold")])
def test_a_refunded_term_takes_back_at_once_what_it_earned_where_the_policy_says_so(world, takes_back, left):
    world.policy(refund_takes_back=takes_back, grace_days=10, downgrade="by_balance")
    plan = Plan.objects.create(code="p", name="P", tier=world.tiers["silver"], price_cents=50_000)
    member = world.member(START)
    bought = local(2026, 11, 1)
    term = terms.purchase(member_id=member.pk, plan=plan, at=bought, actor=None)
    assess(bought + DAY)
    assert changes(member) == [("gold", bought)]
    terms.refund_term(term_id=term.pk, at=bought + 20 * DAY, actor=None, reason="No")
    assess(bought + 40 * DAY)
    assert tier(member) == left
    assess(local(2027, 1, 11))
    # Kept or not, when the period is judged the refund counts in it.
    ends = bought + 20 * DAY if takes_back else local(2027, 1, 11)
    assert changes(member) == [("gold", bought), (None, ends)]


def test_a_bought_month_keeps_an_unearned_gold_for_its_month_only(world):
    world.policy(downgrade="by_balance", grace_days=0)
    plan = Plan.objects.create(code="gold", name="Gold", tier=world.tiers["gold"], price_cents=0)
    member = world.member(START)
    world.pay(member, 50_000, local(2026, 4, 1))
    assess(local(2026, 4, 1))
    terms.purchase(member_id=member.pk, plan=plan, at=local(2027, 12, 20), actor=None)
    assess(local(2028, 1, 2))
    assert path(member) == ["gold", None], "what was earned is judged by what was earned"


def test_who_keeps_the_tier_by_what_was_bought_is_not_told_of_a_downgrade(world):
    world.policy(downgrade="by_balance", grace_days=0, notice_days=60)
    year = Plan.objects.create(
        code="year", name="Gold", tier=world.tiers["gold"], price_cents=0, duration_unit="year", duration_count=1
    )
    month = Plan.objects.create(code="month", name="Gold", tier=world.tiers["gold"], price_cents=0)
    members = [world.member(START) for _ in range(3)]
    for member in members:
        world.pay(member, 50_000, local(2026, 4, 1))
    assess(local(2026, 4, 1))
    terms.purchase(member_id=members[0].pk, plan=year, at=local(2027, 11, 1), actor=None)
    terms.purchase(member_id=members[1].pk, plan=month, at=local(2027, 11, 1), actor=None)
    assessing.assess_everybody(at=local(2027, 11, 15))
    ends = local(2028, 1, 1)
    assert [standing(member).will_downgrade_at for member in members] == [None, ends, ends]
