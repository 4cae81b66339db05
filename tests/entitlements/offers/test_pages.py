"""The pages of offers and coupons, as an operator uses them and a viewer may not."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from config.audit.models import AuditEntry
from entitlements.offers import points, tasks
from entitlements.offers.models import Coupon, IssueRun, Offer, OfferBudget
from entitlements.offers.operations import issuing, redeeming
from members.people.console import timeline
from members.segments.models import Segment, SegmentMembership
from tests import factories
from tests.entitlements.offers.conftest import make_offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]

FORM = {
    "name": "Spring", "name_zh": "春季", "code": "spring", "description": "", "description_zh": "", "valid_days": "7",
    "per_member": "1", "threshold_cents": "100", "amount_cents": "12.50", "budget_cents": "1000", "code_prefix": "sp",
}  # fmt: skip


@pytest.fixture
def segment(now):
    segment = Segment.objects.create(name="Quiet ones", kind="static", created_at=now, updated_at=now)
    for _ in range(3):
        SegmentMembership.objects.create(segment=segment, member=factories.make_member(at=now), entered_at=now)
    return segment


def text(response, status=200):
    assert response.status_code == status, response
    return response.content.decode()


def test_an_offer_is_made_switched_on_and_ended(operator_client):
    assert "So much off from a price on." in text(operator_client.get(reverse("offers:choose")))
    address = reverse("offers:new", args=["threshold_discount"])
    assert 'name="threshold_cents"' in text(operator_client.get(address))
    made = operator_client.post(address, FORM)
    offer = Offer.objects.get()
    assert made["Location"] == offer.get_absolute_url()
    assert offer.terms == {"kind": "threshold_discount", "amount_cents": 1250, "threshold_cents": 10000}
    assert offer.budget.budget_cents == 100000
    operator_client.post(reverse("offers:activate", args=[offer.pk]))
    page = text(operator_client.get(offer.get_absolute_url()))
    assert "¥12.50 off" in page
    assert "Issue to a segment" in page
    operator_client.post(reverse("offers:end", args=[offer.pk]))
    assert Offer.objects.get().status == "ended"
    assert "An ended offer stays as it is." in text(
        operator_client.post(reverse("offers:edit", args=[offer.pk]), FORM), 422
    )
    assert "Offer switched on" in text(operator_client.get(reverse("console:audit")))


def test_a_form_says_what_is_to_be_mended(operator_client):
    address = reverse("offers:new", args=["threshold_discount"])
    wrong = {**FORM, "threshold_cents": "", "percent": "10", "valid_days": ""}
    page = text(operator_client.post(address, wrong), 422)
    assert "Say until when, or for how many days after issue." in page
    page = text(operator_client.post(address, {**wrong, "valid_days": "7"}), 422)
    assert "Either an amount or a percentage, not both." in page
    assert "This is needed." in page
    make_offer(code="taken")
    assert "Another offer has this code." in text(operator_client.post(address, {**FORM, "code": "taken"}), 422)
    assert Offer.objects.count() == 1


def test_a_ladder_is_written_step_by_step_and_shown_again(operator_client):
    address = reverse("offers:new", args=["return_ladder"])
    steps = {"step_0_days_away": "7", "step_0_percent": "10", "step_1_days_away": "30", "step_1_amount_cents": "20"}
    operator_client.post(address, {**FORM, **steps})
    offer = Offer.objects.get()
    assert offer.terms["steps"] == [{"days_away": 7, "percent": 10}, {"days_away": 30, "amount_cents": 2000}]
    page = text(operator_client.get(reverse("offers:edit", args=[offer.pk])))
    assert 'name="step_1_amount_cents" value="20"' in page
    steps["step_1_days_away"] = "5"
    page = text(operator_client.post(address, {**FORM, **steps, "code": "other"}), 422)
    assert "The days of the steps must rise from step to step." in page


def test_points_cannot_be_chosen_while_nobody_keeps_them(operator_client, lend):
    address = reverse("offers:new", args=["points_offset"])
    page = text(operator_client.get(reverse("offers:choose")))
    assert "Nothing keeps points yet" in page
    assert address not in page
    assert operator_client.get(address).status_code == 404
    lend(points.KEEPERS)
    points.KEEPERS.register(points.PointsDoor(lambda *_: 0, lambda *_: None))
    assert operator_client.get(address).status_code == 200


def test_a_segment_is_looked_at_before_it_gets_anything(
    operator_client, segment, now, django_capture_on_commit_callbacks
):
    factories.PlanFactory()
    offer = make_offer(at=now)
    address = reverse("offers:issue", args=[offer.pk])
    page = text(operator_client.get(address, {"segment": segment.pk}))
    assert "Type 3 to confirm" in page
    assert "¥15" in page
    wrong = operator_client.post(address, {"segment": segment.pk, "confirm": "2"})
    assert "it may have changed meanwhile" in text(wrong, 422)
    assert not IssueRun.objects.exists()
    with django_capture_on_commit_callbacks():
        begun = operator_client.post(address, {"segment": segment.pk, "confirm": "3"})
    assert begun["Location"] == f"{offer.get_absolute_url()}#runs"
    assert "0 of 3 issued" in text(operator_client.get(offer.get_absolute_url()))
    tasks.tend_offers()
    assert Coupon.objects.filter(offer=offer, source="segment").count() == 3
    page = text(operator_client.get(offer.get_absolute_url(), headers={"hx-request": "true"}))
    assert "3 coupons issued" in page
    assert "every 2s" not in page
    assert "Nobody would get it" in text(operator_client.get(address, {"segment": segment.pk}))


def test_the_numbers_lead_to_the_coupons_they_count(viewer_client, now):
    offer = make_offer(at=now)
    for _ in range(52):
        issuing.issue_coupon(offer_id=offer.pk, member_id=factories.make_member(at=now).pk, at=now, actor=None)
    address = reverse("offers:coupons", args=[offer.pk])
    offers = text(viewer_client.get(reverse("offers:index")))
    assert f'<a href="{address}?status=issued" data-count="52">52</a>' in offers
    page = text(viewer_client.get(address, {"status": "issued"}))
    assert page.count('<th scope="row">') == 50
    (after,) = set(Coupon.objects.filter(offer=offer).order_by("pk").values_list("pk", flat=True)[2:3])
    rest = text(viewer_client.get(address, {"after": f"{now.isoformat()}~{after}"}))
    assert rest.count('<th scope="row">') == 2
    assert "No coupon of this offer has this status." in text(viewer_client.get(address, {"status": "redeemed"}))


def test_on_her_page_a_coupon_is_issued_and_revoked(operator_client, member, now):
    offer = make_offer(at=now)
    address = reverse("offers:issue-one", args=[member.pk])
    operator_client.post(address, {"offer": offer.pk, "reason": "sorry"})
    coupon = Coupon.objects.get()
    page = text(operator_client.get(member.get_absolute_url()))
    assert coupon.code in page
    assert "Coupon issued: Offer" in page
    operator_client.post(address, {"offer": offer.pk})
    assert "The member has as many coupons" in text(operator_client.get(member.get_absolute_url()))
    revoke = reverse("offers:revoke", args=[coupon.pk])
    assert revoke in page
    assert coupon.code in text(operator_client.get(revoke))
    assert "This field is required" in text(operator_client.post(revoke, {}), 422)
    operator_client.post(revoke, {"reason": "mistake"})
    assert Coupon.objects.get().status == "revoked"
    assert "Only an unused coupon can be taken back." in text(operator_client.post(revoke, {"reason": "x"}), 422)
    assert AuditEntry.objects.get(action="coupon.revoked").reason == "mistake"


def test_the_timeline_tells_of_coupons_and_pages_through_them(viewer_client, member, plan, now):
    for n in range(15):
        coupon = issuing.issue_coupon(offer_id=make_offer(at=now).pk, member_id=member.pk, at=now, actor=None)
        redeeming.redeem_coupon(member_id=member.pk, code=coupon.code, plan=plan, order_ref=f"o{n}", at=now, actor=None)

    seen, before = [], None
    while True:
        page = timeline.read(member.pk, until=now, only="coupon", before=before, limit=7)
        seen += [entry.pk for entry in page.entries]
        before = page.earlier
        if before is None:
            break
    assert len(seen) == 30 == len(set(seen))
    assert "¥5 off" in text(viewer_client.get(member.get_absolute_url(), {"timeline": "coupon"}))


def test_the_timeline_says_the_last_day_of_a_coupon_who_gave_it_and_why(operator_client, member, operator):
    # Ends as 25 November begins in Shanghai, the day after the last it is good for.
    at = datetime(2026, 11, 16, 20, tzinfo=UTC)
    offer = make_offer(at=at, valid_days=None, valid_until=datetime(2026, 11, 24, 16, tzinfo=UTC))
    coupon = issuing.issue_coupon(offer_id=offer.pk, member_id=member.pk, at=at, actor=operator, reason="Late parcel")
    issuing.revoke_coupon(coupon_id=coupon.pk, at=at + timedelta(hours=1), actor=operator, reason="Wrong member")
    with timezone.override("Asia/Shanghai"):
        ended, issued = timeline.read(member.pk, until=at + timedelta(days=1), only="coupon").entries
    assert issued.note == f"Issued by hand · until 2026-11-24 · {operator.get_username()} · Late parcel"
    assert ended.note == "Wrong member"


def test_what_a_kind_needs_is_marked_so_and_explained(operator_client):
    page = text(operator_client.get(reverse("offers:new", args=["first_purchase_price"])))
    assert "Price</label>" in page
    assert "What she pays instead" in page
    assert "Price lock:" not in page
    page = text(operator_client.get(reverse("offers:new", args=["join_discount"])))
    assert "Say an amount or a percentage." in page
    page = text(operator_client.get(reverse("offers:new", args=["price_lock"])))
    assert "Price</label>" not in page
    assert "Price lock: empty" in page


def test_who_is_away_is_offered_the_ladder(viewer_client, plan, member, now):

    factories.make_term(member=member, at=now - timedelta(days=100), plan=plan)
    make_offer("return_ladder", at=now, terms={"steps": [{"days_away": 30, "percent": 50}]}, name="Come back")
    page = text(viewer_client.get(member.get_absolute_url()))
    assert "For her return:" in page
    assert "Come back" in page
    assert "step from 30 days away on" in page


def test_a_viewer_only_looks(viewer_client, member, now):
    offer = make_offer(at=now)
    coupon = issuing.issue_coupon(offer_id=offer.pk, member_id=member.pk, at=now, actor=None)
    steps = ["edit", "activate", "pause", "end", "issue"]
    addresses = [reverse(f"offers:{step}", args=[offer.pk]) for step in steps]
    addresses += [reverse("offers:revoke", args=[coupon.pk]), reverse("offers:issue-one", args=[member.pk])]
    addresses += [reverse("offers:choose"), reverse("offers:new", args=["join_discount"])]
    before = AuditEntry.objects.count()
    for address in addresses:
        assert viewer_client.post(address, FORM).status_code == 403
    page = text(viewer_client.get(offer.get_absolute_url()))
    assert not any(address in page for address in addresses)
    assert reverse("offers:issue-one", args=[member.pk]) not in text(viewer_client.get(member.get_absolute_url()))
    assert AuditEntry.objects.count() == before
    assert (Coupon.objects.get().status, OfferBudget.objects.get().issued) == ("issued", 1)


def test_a_coupon_is_redeemed_by_hand_at_the_price_it_gives(operator_client, viewer_client, now):
    plan = factories.PlanFactory(price_cents=2500, name="Monthly")
    dear = factories.PlanFactory(price_cents=9000, name="Yearly")
    member = factories.make_member(at=now - timedelta(days=90))
    factories.make_term(member=member, plan=plan, at=now - timedelta(days=60))
    offer = make_offer(
        code="back", at=now - timedelta(days=1),
        terms={"kind": "return_pack", "percent": 30, "bonus_days": 7, "plans": [plan.pk]},
    )  # fmt: skip
    coupon = issuing.issue_coupon(offer_id=offer.pk, member_id=member.pk, at=now, actor=None)
    address = reverse("offers:redeem", args=[coupon.pk])
    drawer = f"{reverse('members:purchase', args=[member.pk])}?coupon={coupon.pk}"
    assert drawer in text(operator_client.get(member.get_absolute_url()))
    assert viewer_client.get(address).status_code == 403
    page = text(operator_client.get(address))
    assert "Monthly · ¥17.50 instead of ¥25 · 7 days more" in page
    assert "The coupon is not valid for this plan." in page
    assert "This field is required." in text(operator_client.post(address, {}), 422)
    assert "Select a valid choice" in text(operator_client.post(address, {"plan": dear.pk}), 422)
    booked = operator_client.post(address, {"plan": plan.pk})
    assert booked["Location"] == f"{member.get_absolute_url()}#coupons"
    coupon = Coupon.objects.get()
    assert (coupon.status, coupon.discount_cents, coupon.term.price_cents) == ("redeemed", 750, 1750)
    assert member.terms.filter(kind="compensation").count() == 1
    assert "This coupon is redeemed already." in text(operator_client.get(address))
    assert operator_client.post(address, {"plan": plan.pk}).status_code == 422
    assert member.terms.filter(kind="paid").count() == 2


def test_whoever_issues_a_coupon_that_does_not_apply_yet_is_told_so(operator_client, member, now):
    factories.make_term(member=member, at=now - timedelta(days=1), plan=factories.PlanFactory())
    offer = make_offer("return_pack", at=now - timedelta(days=1), terms={"percent": 30})
    address = reverse("offers:issue-one", args=[member.pk])
    page = text(operator_client.post(address, {"offer": offer.pk}, follow=True))
    assert "The coupon is issued." in page
    assert "It applies to no plan for her now: The offer is for who comes back" in page
