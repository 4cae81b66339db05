"""What members have from their terms, the ladder and the clock."""

from datetime import UTC, datetime, timedelta

import pytest

from entitlements.grants.models import Balance, Grant, Standing
from entitlements.grants.operations.settling import adopt_members, read_facts, settle_due, settle_members
from entitlements.tiers.models import TierStanding
from entitlements.usage.console.pages import MemberBenefits
from entitlements.usage.operations.consuming import consume
from entitlements.usage.operations.rates import refresh_rates
from members.lifecycle.models import MemberLifecycle
from members.terms.operations import terms
from tests import factories
from tests.entitlements.making import AT, DAY, balance, give, grant, make_benefit
from tests.horizon import wait_for_horizon

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def plan():
    return factories.PlanFactory(code="gold-month", tier=factories.TierFactory(code="gold"))


@pytest.fixture
def member():
    return factories.make_member(at=AT - DAY)


def use(member, benefit, amount, at):
    return consume(member_id=member.pk, benefit=benefit, amount=amount, at=at, origin="api").outcome


def open_grants(member, at):
    return list(Grant.objects.filter(member=member).open(at).values_list("source", "benefit_id", "amount"))


def test_a_term_gives_what_its_tier_gives(member, plan):
    benefit = make_benefit()
    give(benefit, plan.tier, 20)
    term = factories.make_term(member=member, at=AT, plan=plan)
    found = balance(member, benefit, AT)
    assert (found.is_open, found.granted, found.used) == (True, 20, 0)
    # The month in Shanghai, where the project is.
    assert (found.period_start, found.period_end) == (
        datetime(2026, 10, 31, 16, tzinfo=UTC), datetime(2026, 11, 30, 16, tzinfo=UTC),
    )  # fmt: skip
    given = Grant.objects.get(member=member)
    assert (given.source, given.source_id, given.effective_at, given.expires_at) == ("term", term.pk, AT, term.ends_at)
    standing = Standing.objects.get(pk=member.pk)
    assert (standing.via, standing.tier, standing.plan, standing.until) == ("term", plan.tier, plan, term.ends_at)
    assert standing.next_due_at == found.period_end


def test_settling_again_changes_nothing(member, plan):
    give(make_benefit(), plan.tier, 20)
    factories.make_term(member=member, at=AT, plan=plan)
    for _ in range(3):
        settle_members(member_ids=[member.pk], at=AT + HOUR)
    assert Grant.objects.count() == 1


def test_the_grace_holds_what_it_is_to_hold_and_then_nothing(member, plan):
    held, lost = make_benefit(), make_benefit()
    give(held, plan.tier, 5)
    give(lost, plan.tier, 5, is_held_in_grace=False)
    term = factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    assert balance(member, held, term.ends_at).granted == 5
    assert not balance(member, lost, term.ends_at).is_open
    assert Standing.objects.get(pk=member.pk).via == "grace"
    assert not balance(member, held, term.ends_at + 3 * DAY).is_open
    assert Standing.objects.get(pk=member.pk).via == "free"
    assert open_grants(member, term.ends_at + 3 * DAY) == []


def test_the_plan_may_say_how_long_the_grace_is(member, plan):
    benefit = make_benefit()
    give(benefit, plan.tier, 5)
    plan.grace_days = 1
    plan.save()
    term = factories.make_term(member=member, at=AT, plan=plan)
    assert balance(member, benefit, term.ends_at + DAY - HOUR).is_open
    assert not balance(member, benefit, term.ends_at + DAY).is_open


def test_a_trial_that_ends_has_no_grace(member, plan):
    benefit = make_benefit()
    give(benefit, plan.tier, 5)
    term = terms.start_trial(member_id=member.pk, plan=plan, at=AT, actor=None)
    assert balance(member, benefit, AT).is_open
    assert not balance(member, benefit, term.ends_at).is_open


def test_renewing_gives_no_second_allowance_in_the_same_period(member, plan):
    benefit = make_benefit()
    give(benefit, plan.tier, 10)
    first = factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    before = first.ends_at - DAY
    assert use(member, benefit, 7, before) == "used"
    terms.renew_membership(member_id=member.pk, at=before, actor=None)
    after = balance(member, benefit, first.ends_at + HOUR)
    assert (after.granted, after.used) == (10, 7)
    assert use(member, benefit, 4, first.ends_at + HOUR) == "limit_reached"


def test_periods_by_the_membership_do_not_drift_over_month_ends(plan):
    member = factories.make_member(at=AT - 400 * DAY)
    benefit = make_benefit(is_by_calendar=False)
    give(benefit, plan.tier, 10)
    at = datetime(2026, 1, 31, 2, tzinfo=UTC)
    term = factories.make_term(member=member, at=at, plan=plan)
    starts = []
    for _ in range(5):
        starts.append(balance(member, benefit, term.starts_at).period_start)
        term = terms.renew_membership(member_id=member.pk, at=term.ends_at - HOUR, actor=None)
    assert [(day.month, day.day) for day in starts] == [(1, 31), (2, 28), (3, 31), (4, 30), (5, 31)]


def test_a_new_period_begins_with_nothing_used(member, plan):
    benefit = make_benefit()
    give(benefit, plan.tier, 10)
    factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    assert use(member, benefit, 10, AT) == "used"
    next_month = datetime(2026, 12, 1, 0, tzinfo=UTC)
    assert use(member, benefit, 1, next_month) == "used"
    assert balance(member, benefit, next_month).used == 1


def test_what_is_left_is_carried_over_up_to_the_most(member, plan):
    benefit = make_benefit(period="day", rollover_max=6, rollover_min=2)
    give(benefit, plan.tier, 10)
    factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    use(member, benefit, 3, AT)
    assert balance(member, benefit, AT + DAY).granted == 16
    (shown,) = MemberBenefits(member.pk, AT + DAY).balances
    assert (shown.carried.amount, shown.grants[0].grant.amount) == (6, 10)
    # What was carried over burns first and what is left of it is carried on.
    use(member, benefit, 15, AT + DAY)
    assert balance(member, benefit, AT + 2 * DAY).granted == 12


def test_a_refund_withdraws_what_the_term_gave_and_keeps_what_was_used(member, plan):
    benefit = make_benefit()
    give(benefit, plan.tier, 10)
    term = factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    use(member, benefit, 4, AT)
    terms.refund_term(term_id=term.pk, at=AT + DAY, actor=None, reason="x")
    after = balance(member, benefit, AT + DAY)
    assert (after.is_open, after.granted, after.used, after.uses) == (False, 0, 0, 1)
    assert Grant.objects.get(member=member).void_reason == "source_ended"


def test_of_two_sources_each_keeps_the_benefit(member, plan):
    benefit = make_benefit(kind="access")
    give(benefit, plan.tier)
    term = factories.make_term(member=member, at=AT, plan=plan)
    grant(member, benefit, AT, source="pack", amount=None, expires_at=term.ends_at + 30 * DAY)
    settle_members(member_ids=[member.pk], at=AT)
    terms.refund_term(term_id=term.pk, at=AT + DAY, actor=None, reason="x")
    assert balance(member, benefit, AT + DAY).is_open
    assert not balance(member, benefit, term.ends_at + 30 * DAY).is_open


def test_a_top_up_is_there_beside_the_allowance_and_burns_by_its_order(member, plan):
    benefit = make_benefit()
    give(benefit, plan.tier, 10)
    factories.make_term(member=member, at=AT, plan=plan)
    first = grant(member, benefit, AT, amount=5, priority=10, expires_at=AT + 60 * DAY)
    later = grant(member, benefit, AT, amount=5, priority=200, expires_at=AT + 60 * DAY)
    assert balance(member, benefit, AT).granted == 20
    use(member, benefit, 12, AT)
    next_month = datetime(2026, 12, 1, 0, tzinfo=UTC)
    after = balance(member, benefit, next_month)
    # The first burnt whole, seven of the month's ten after it; the later is untouched.
    assert (after.granted, after.used) == (20, 5)
    assert {lot.bucket: lot.used for lot in member.lots.all()} == {first.pk: 5, 0: 7}
    assert later.pk not in member.lots.values_list("bucket", flat=True)


def test_a_plan_adds_to_its_tier(member, plan):
    more, own = make_benefit(), make_benefit()
    give(more, plan.tier, 10)
    give(more, plan, 5)
    give(own, plan, 3)
    factories.make_term(member=member, at=AT, plan=plan)
    assert balance(member, more, AT).granted == 15
    assert balance(member, own, AT).granted == 3


def test_using_one_benefit_unlocks_another(member, plan):
    first = make_benefit()
    second = make_benefit(kind="access", unlocked_by=first, unlocked_after=3)
    give(first, plan.tier, 10)
    give(second, plan.tier)
    factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    for n in range(3):
        assert not Balance.objects.filter(member=member, benefit=second, is_open=True).exists()
        use(member, first, 1, AT + n * HOUR)
    assert Balance.objects.filter(member=member, benefit=second, is_open=True).exists()


def test_who_has_no_cover_has_the_free_tier(member, plan):
    benefit = make_benefit()
    give(benefit, None, 2)
    give(benefit, plan.tier, 20)
    adopt_members(at=AT)
    settle_due(at=AT)
    assert Balance.objects.get(member=member, benefit=benefit).granted == 2
    term = factories.make_term(member=member, at=AT + HOUR, plan=plan)
    assert balance(member, benefit, AT + HOUR).granted == 20
    assert balance(member, benefit, term.ends_at + 3 * DAY).granted == 2
    assert [source for source, _, _ in open_grants(member, term.ends_at + 3 * DAY)] == ["free"]


def test_the_members_usage_rate_is_the_mean_over_her_limits(member, plan):
    half, none, open_to_all = make_benefit(), make_benefit(), make_benefit(kind="access")
    give(half, plan.tier, 10)
    give(none, plan.tier, 10)
    give(open_to_all, plan.tier)
    factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    use(member, half, 5, AT)
    settle_members(member_ids=[member.pk], at=AT + HOUR)
    rate = MemberLifecycle.objects.values_list("usage_rate", flat=True)
    assert rate.get(pk=member.pk) == 0.25
    use(member, half, 1, AT + HOUR)
    refresh_rates(at=AT + HOUR)
    assert rate.get(pk=member.pk) == pytest.approx(0.3)


def test_a_deleted_term_is_looked_at_again(member, plan):
    give(make_benefit(), plan.tier, 10)
    term = factories.make_term(member=member, at=AT, plan=plan)
    settle_members(member_ids=[member.pk], at=AT)
    term.delete()
    assert settle_due(at=AT) == 1
    assert open_grants(member, AT) == []


@pytest.mark.django_db(transaction=True)
def test_the_log_of_terms_is_read_once(member, plan):
    read_facts(at=AT)
    Standing.objects.update(next_due_at=None)
    term = factories.make_term(member=member, at=AT, plan=plan)
    wait_for_horizon()
    read_facts(at=AT)
    due = Standing.objects.filter(next_due_at__lte=AT)
    assert due.exists()
    settle_due(at=AT)
    read_facts(at=AT)
    assert not due.exists()
    terms.refund_term(term_id=term.pk, at=AT + HOUR, actor=None, reason="x")
    wait_for_horizon()
    read_facts(at=AT + HOUR)
    assert Standing.objects.filter(next_due_at__lte=AT + HOUR).exists()


def test_an_earned_tier_counts_while_it_is_the_higher_one(member, plan):
    benefit = make_benefit()
    give(benefit, plan.tier, 10)
    higher = factories.TierFactory(code="black", position=plan.tier.position + 1)
    give(benefit, higher, 50)
    term = factories.make_term(member=member, at=AT, plan=plan)
    assert balance(member, benefit, AT).granted == 10
    use(member, benefit, 8, AT)
    TierStanding.objects.create(member=member, tier=higher, via="qualified", since=AT + HOUR, until=AT + 60 * DAY)
    after = balance(member, benefit, AT + HOUR)
    # The allowance of the same month grows; what was used of it stays used.
    assert (after.granted, after.used) == (50, 8)
    assert Standing.objects.get(pk=member.pk).via == "tier"
    # It outlives the term that was bought, and ends at its own end.
    assert balance(member, benefit, term.ends_at + 10 * DAY).granted == 50
    assert not balance(member, benefit, AT + 60 * DAY).is_open
