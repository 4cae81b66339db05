"""A history of uses: what counts against the limit, what is only kept, and what a repeated batch does."""

from datetime import datetime, timedelta

import pytest

from config.demo.ladder import BENEFITS, make_ladder, use_benefits
from config.demo.people import catalogue
from entitlements.benefits.models import Benefit
from entitlements.grants.models import Balance, Standing
from entitlements.grants.operations.settling import settle_due
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.recording import record_usage
from members.lifecycle.models import MemberLifecycle
from members.terms.operations import terms
from tests.entitlements.insight import Base, give_cell, make_benefit
from tests.factories import make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def base(at: datetime) -> Base:
    return Base(at)


def _balance(member, benefit: Benefit) -> Balance:
    return Balance.objects.get(member=member, benefit=benefit)


def test_uses_of_this_month_count_and_older_ones_are_only_kept(base: Base) -> None:
    member = base.member()
    base.use(member, base.downloads, times=4)
    base.use(member, base.downloads, times=5, days_ago=40)
    balance = _balance(member, base.downloads)
    assert (balance.used, balance.granted, balance.uses) == (4, 10, 9)
    assert balance.first_used_at < balance.period_start < balance.last_used_at
    assert set(UsageRecord.objects.values_list("outcome", "worth_cents")) == {("used", 100)}


def test_a_use_in_a_period_that_nobody_has_settled_counts_in_it(base: Base) -> None:
    member = base.member()
    base.use(member, base.downloads, times=4)
    ended_at = _balance(member, base.downloads).period_end
    row = {"member_id": member.pk, "benefit_id": base.downloads.pk, "used_at": ended_at, "amount": 3, "key": "next"}
    record_usage(rows=[row], at=ended_at + timedelta(hours=1), origin="api")
    balance = _balance(member, base.downloads)
    assert (balance.used, balance.period_start) == (3, ended_at)


def test_a_use_before_the_membership_is_only_kept(base: Base) -> None:
    member = make_member(at=base.at - timedelta(days=20))
    terms.purchase(member_id=member.pk, plan=base.plan, at=base.at - timedelta(hours=1), actor=None)
    rows = [
        {
            "member_id": member.pk,
            "benefit_id": base.downloads.pk,
            "used_at": base.at - ago,
            "amount": 1,
            "key": f"{ago}",
        }
        for ago in (timedelta(hours=2), timedelta(minutes=1))
    ]
    record_usage(rows=rows, at=base.at, origin="api")
    balance = _balance(member, base.downloads)
    assert (balance.used, balance.uses) == (1, 2)


def test_a_hard_limit_refuses_what_is_beyond(base: Base) -> None:
    member = base.member()
    base.use(member, base.export, times=5)
    assert _balance(member, base.export).used == 3
    outcomes = UsageRecord.objects.order_by("at", "pk").values_list("outcome", "worth_cents")
    assert list(outcomes) == [("used", 500)] * 3 + [("limit_reached", 0)] * 2


def test_beyond_a_soft_limit_it_is_overage(base: Base) -> None:
    soft = make_benefit(at=base.at, code="album", name="Album", kind="quota", is_hard_limit=False, worth_cents=10)
    give_cell(soft, base.plan.tier, 10)
    member = base.member()
    base.use(member, soft, times=3, amount=4)
    balance = _balance(member, soft)
    assert (balance.used, balance.overage) == (10, 2)
    assert sum(UsageRecord.objects.values_list("worth_cents", flat=True)) == 100


def test_the_same_batch_again_changes_nothing(base: Base) -> None:
    member = base.member()
    assert base.use(member, base.downloads, times=3) == 3
    assert base.use(member, base.downloads, times=3) == 0
    assert _balance(member, base.downloads).uses == 3


def test_someone_without_cover_keeps_her_history(base: Base) -> None:
    member = base.member()
    other = make_benefit(at=base.at, code="other", name="Other")
    base.use(member, other, times=2)
    balance = _balance(member, other)
    assert (balance.is_open, balance.used, balance.uses) == (False, 0, 2)


def test_what_it_unlocks_comes_with_the_next_settling(base: Base) -> None:
    unlocked = make_benefit(
        at=base.at, code="season", name="Season", kind="access", unlocked_by=base.downloads, unlocked_after=3
    )
    give_cell(unlocked, base.plan.tier)
    member = base.member()
    assert not Balance.objects.filter(member=member, benefit=unlocked).exists()
    base.use(member, base.downloads, times=3)
    assert Standing.objects.get(member=member).next_due_at == base.at
    settle_due(at=base.at)
    assert _balance(member, unlocked).is_open
    assert MemberLifecycle.objects.get(member=member).usage_rate == pytest.approx((0.3 + 0) / 2)


def test_the_demo_ladder_is_made_once(at: datetime) -> None:
    catalogue()
    make_ladder(at=at)
    made = Benefit.objects.count()
    make_ladder(at=at)
    assert Benefit.objects.count() == made == len(BENEFITS)
    use_benefits(at=at)
    assert not UsageRecord.objects.exists()
