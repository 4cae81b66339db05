"""What is good to the end of 8 December says so: grants, coupons and tiers given by hand name the 8th, not the 9th."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from entitlements.grants.operations.giving import give_grant
from entitlements.offers.conditions import Unused
from entitlements.offers.models import Coupon
from entitlements.offers.operations.issuing import issue_coupon
from entitlements.tiers.operations.manual import give_tier
from members.people.models import Member
from members.people.rules import end_for_people
from members.segments.registry import Context
from tests import factories
from tests.entitlements.making import AT, make_benefit
from tests.entitlements.offers.conftest import make_offer

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 12, 8, 16, tzinfo=UTC)


@pytest.fixture
def member() -> Member:
    return factories.make_member(at=AT - timedelta(days=1))


@pytest.fixture
def coupon(member, operator) -> Coupon:
    offer = make_offer(valid_days=22)
    coupon = issue_coupon(offer_id=offer.pk, member_id=member.pk, actor=operator, at=AT)
    assert coupon.expires_at == MIDNIGHT
    return coupon


def names_the_8th(page: str) -> bool:
    return "2026-12-08" in page and "2026-12-09" not in page


def test_a_grant(operator_client, operator, member):
    give_grant(
        member_id=member.pk, benefit=make_benefit(), amount=5, source="manual", actor=operator, at=AT,
        expires_at=MIDNIGHT, reason="test",
    )  # fmt: skip
    assert names_the_8th(operator_client.get(reverse("benefits:of-member", args=[member.pk])).content.decode())


@pytest.mark.parametrize("page", ["offers:redeem", "offers:revoke"])
def test_a_coupon_on_its_own_pages(operator_client, coupon, page):
    assert names_the_8th(operator_client.get(reverse(page, args=[coupon.pk])).content.decode())


def test_a_coupon_among_those_of_its_offer_and_of_its_member(operator_client, coupon, member):
    lists = reverse("offers:detail", args=[coupon.offer_id]), reverse("members:detail", args=[member.pk])
    for address in lists:
        page = operator_client.get(address).content.decode()
        assert '<time datetime="2026-12-08" title="2026-12-08">' in page
        assert "2026-12-08T16:00" not in page


def test_a_coupon_behind_a_segments_truth(coupon, member):
    facts = Unused(kind="coupon.unused", op="is", values=[coupon.offer.code]).evidence([member.pk], Context(at=AT))
    assert [str(fact.value) for fact in facts[member.pk]] == ["2026-12-08"]


def test_a_tier_given_by_hand(operator_client, operator, member):
    tier = factories.TierFactory()
    give_tier(member_id=member.pk, tier_id=tier.pk, reason="test", until=MIDNIGHT, actor=operator, at=AT)
    page = operator_client.get(reverse("members:detail", args=[member.pk])).content.decode()
    assert page.count('<time datetime="2026-12-08" title="2026-12-08">2026-12-08</time>') >= 1
    assert "2026-12-08T16:00" not in page


def test_an_end_within_a_day_is_said_to_the_minute():
    assert end_for_people(MIDNIGHT - timedelta(hours=1), "Asia/Shanghai") == MIDNIGHT - timedelta(hours=1)
