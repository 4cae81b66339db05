"""The grace: as the plan says, else its tier, else the lifecycle policy, alike in both engines."""

from datetime import timedelta

import pytest
from django.urls import reverse

from entitlements.grants.models import Standing
from entitlements.grants.operations.settling import settle_due, settle_members
from members.lifecycle.operations import sweep
from members.plans import operations
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.members.world import World, moment, state

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def world():
    return World()


@pytest.mark.parametrize(
    ("of_plan", "of_tier", "days"), [(None, None, 3), (None, 2, 2), (1, None, 1), (1, 2, 1), (3, 1, 3)]
)
def test_the_plan_goes_before_its_tier_and_the_tier_before_the_policy(world, of_plan, of_tier, days):
    Plan.objects.filter(pk=world.month.pk).update(grace_days=of_plan)
    Tier.objects.filter(pk=world.gold.pk).update(grace_days=of_tier)
    member = world.member()
    end = terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None).ends_at
    last = end + timedelta(days=days)
    for at, status, via in ((last - SECOND, "grace", "grace"), (last, "expired", "free")):
        sweep.sweep(at=at)
        settle_members(member_ids=[member.pk], at=at)
        standing = Standing.objects.get(pk=member.pk)
        assert (state(member).membership_status, standing.via) == (status, via)
        assert (state(member).tier_id is None) == (standing.tier_id is None) == (via == "free")
    term = MembershipTerm.objects.get(member=member)
    assert term.held_until("Asia/Shanghai", policy_days=3) == last


@pytest.mark.parametrize(("of_plan", "joins"), [(1, False), (2, True)])
def test_a_renewal_joins_on_while_the_grace_of_the_plan_lasts(world, of_plan, joins):
    Plan.objects.filter(pk=world.month.pk).update(grace_days=of_plan)
    member = world.member()
    first = terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    at = first.ends_at + timedelta(days=1, hours=1)
    world.sweep(0)
    sweep.sweep(at=at)
    renewal = terms.renew_membership(member_id=member.pk, at=at, actor=None)
    assert (renewal.starts_at == first.ends_at) == joins
    # What was bridged is not a return, and the tenure goes on.
    found = sweep.explain(member_ids=[member.pk], at=at)[0]
    assert found.facts["tenure_days"] == (33 if joins else 0)


def test_the_last_term_alone_decides(world):
    """A longer grace of a term before does not count any more."""
    Plan.objects.filter(pk=world.week.pk).update(grace_days=1)
    member = world.member()
    terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    end = terms.purchase(member_id=member.pk, plan=world.week, at=moment(1), actor=None).ends_at
    sweep.sweep(at=end + timedelta(days=1))
    settle_members(member_ids=[member.pk], at=end + timedelta(days=1))
    assert (state(member).membership_status, Standing.objects.get(pk=member.pk).via) == ("expired", "free")


def test_a_longer_grace_reaches_those_it_concerns(world, admin):
    Plan.objects.filter(pk=world.month.pk).update(grace_days=1)
    member = world.member()
    end = terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None).ends_at
    at = end + timedelta(days=1, hours=1)
    sweep.sweep(at=at)
    settle_due(at=at)
    settle_members(member_ids=[member.pk], at=at)
    assert (state(member).membership_status, Standing.objects.get(pk=member.pk).via) == ("expired", "free")
    operations.save_plan(plan_id=world.month.pk, actor=admin, at=at, grace_days=3)
    sweep.sweep(at=at)
    settle_members(member_ids=[member.pk], at=at)
    standing = Standing.objects.get(pk=member.pk)
    assert (state(member).membership_status, standing.via, standing.until) == (
        "grace", "grace", end + timedelta(days=3),
    )  # fmt: skip


def test_the_grace_is_edited_with_the_plan_and_the_tier(admin_client, world):
    page = admin_client.get(reverse("members:tier", args=[world.gold.pk])).content.decode()
    assert 'name="grace_days"' in page
    data = {"code": "gold", "name": "Gold", "name_zh": "", "position": 1}
    wrong = admin_client.post(reverse("members:tier", args=[world.gold.pk]), {**data, "grace_days": 4})
    assert wrong.status_code == 422
    admin_client.post(reverse("members:tier", args=[world.gold.pk]), {**data, "grace_days": 2})
    world.gold.refresh_from_db()
    assert world.gold.grace_days == 2
    assert "2 days" in admin_client.get(reverse("members:plans")).content.decode()


def compensated(world, member):
    terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    return terms.compensate(member_id=member.pk, days=3, at=moment(1), actor=None, reason="outage").ends_at


def gifted_behind(world, member):
    terms.purchase(member_id=member.pk, plan=world.week, at=moment(0), actor=None)
    return terms.give_term(member_id=member.pk, plan=world.black_month, at=moment(1), actor=None).ends_at


def renewed_in_grace_and_refunded(world, member):
    end = terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None).ends_at
    again = terms.purchase(member_id=member.pk, plan=world.month, at=end + timedelta(hours=10), actor=None)
    terms.refund_term(term_id=again.pk, at=end + timedelta(hours=20), actor=None, reason="R")
    return end


@pytest.mark.parametrize("history", [compensated, gifted_behind, renewed_in_grace_and_refunded])
def test_the_chain_is_held_whatever_its_last_link_was(world, history):
    member = world.member()
    until = history(world, member) + timedelta(days=3)
    for at, status, via in ((until - SECOND, "grace", "grace"), (until, "expired", "free")):
        sweep.sweep(at=at)
        settle_members(member_ids=[member.pk], at=at)
        standing = Standing.objects.get(pk=member.pk)
        assert (state(member).membership_status, standing.via) == (status, via)
        assert state(member).tier_id == standing.tier_id


def test_gifts_alone_are_not_held(world):
    member = world.member()
    end = terms.give_term(member_id=member.pk, plan=world.month, at=moment(0), actor=None).ends_at
    sweep.sweep(at=end)
    settle_members(member_ids=[member.pk], at=end)
    assert (state(member).membership_status, Standing.objects.get(pk=member.pk).via) == ("expired", "free")
