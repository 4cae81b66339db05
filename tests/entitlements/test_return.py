"""A member's way out and back, as operations see it: grace, lapse, return pack, what is restored, one timeline."""

from datetime import timedelta

import pytest
from django.urls import reverse

from config.staff.access import Role
from entitlements.grants.models import Grant, Standing
from entitlements.grants.operations.settling import settle_members
from entitlements.memory.models import EntitlementSnapshot
from entitlements.offers.operations import issuing, redeeming
from entitlements.usage.operations.consuming import consume
from members.lifecycle.operations.sweep import sweep
from members.people.console import timeline
from tests import factories
from tests.entitlements.making import AT, DAY, balance, give, make_benefit
from tests.entitlements.offers.conftest import make_offer

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def settled(member, at):
    sweep(at=at)
    settle_members(member_ids=[member.pk], at=at)
    return Standing.objects.get(pk=member.pk)


def test_she_lapses_is_held_returns_by_a_pack_and_gets_back_what_the_rule_restores(client):
    top = factories.TierFactory(code="gold", position=5)
    gold = factories.PlanFactory(code="gold-month", tier=top, duration_count=1)
    basic = factories.PlanFactory(code="basic", tier=factories.TierFactory(code="basic", position=1))
    often, once = make_benefit(), make_benefit(period="term")
    give(often, gold.tier, 10)
    give(once, gold.tier, 6)
    give(often, basic.tier, 2)
    member = factories.make_member(at=AT - DAY)
    term = factories.make_term(member=member, at=AT, plan=gold)
    settled(member, AT)
    consume(member_id=member.pk, benefit=once, amount=2, at=AT + HOUR, origin="api")

    standing = settled(member, term.ends_at + HOUR)
    assert (standing.via, standing.tier) == ("grace", gold.tier)
    # The countdown: three local days after the end.
    assert standing.until == term.ends_at + 3 * DAY
    assert balance(member, often, term.ends_at + HOUR).granted == 10

    standing = settled(member, term.ends_at + 3 * DAY)
    assert (standing.via, standing.tier) == ("free", None)
    assert not balance(member, often, term.ends_at + 3 * DAY).is_open
    kept = EntitlementSnapshot.objects.get(member=member)
    assert (kept.outcome, kept.tier) == ("pending", gold.tier)

    back = term.ends_at + 20 * DAY
    offer = make_offer("return_pack", at=back, terms={"percent": 30, "days_away": 7, "bonus_days": 7})
    coupon = issuing.issue_coupon(offer_id=offer.pk, member_id=member.pk, at=back, actor=None)
    redeeming.redeem_coupon(
        member_id=member.pk, code=coupon.code, plan=basic, order_ref="back-1", at=back + HOUR, actor=None
    )
    settled(member, back + HOUR)
    kept.refresh_from_db()
    assert kept.outcome == "restored"
    restored = Grant.objects.filter(member=member, source="restore")
    # What her former tier gives beyond the one she came back with, and the four she had left of six.
    assert {grant.benefit_id for grant in restored} == {often.pk, once.pk}
    assert balance(member, once, back + HOUR).remaining >= 4
    assert balance(member, often, back + HOUR).granted > 2

    kinds = {entry.kind_label for entry in timeline.read(member.pk, until=back + DAY, limit=100).entries}
    assert {"Terms", "States", "Losing and returning", "Coupons"} <= {str(kind) for kind in kinds}
    client.force_login(factories.UserFactory(role=Role.VIEWER))
    assert client.get(reverse("members:detail", args=[member.pk])).status_code == 200
