"""What the host product asks: a key with the scope, an answer once for each idempotency key, reasons in words."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from entitlements.offers.models import Coupon, RedeemCall
from entitlements.offers.operations import calls, issuing
from members.events.operations.keys import make_key
from members.merging.operations.merging import merge_members
from members.terms.models import MembershipTerm
from tests import factories
from tests.entitlements.offers.conftest import DAY, make_offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]


def key_for(admin, now, *scopes):
    return make_key(source_id=factories.SourceFactory().pk, label="Shop", scopes=scopes, actor=admin, at=now)[1]


@pytest.fixture
def shop(admin, now):
    return speaker(key_for(admin, now, "coupons"))


def speaker(secret):
    """``speak(path, body=None, **headers)``: one request of a program with its key."""
    basic = "Basic " + base64.b64encode(f"{secret}:".encode()).decode()

    def speak(path, body=None, **headers):
        client, headers = Client(enforce_csrf_checks=True), {"authorization": basic, "accept-language": "en", **headers}
        address = f"/api/v1/members/{path}"
        if body is None:
            return client.get(address, headers=headers)
        text = body if isinstance(body, str) else json.dumps(body)
        return client.post(address, text, content_type="application/json", headers=headers)

    return speak


@pytest.fixture
def coupon(now):
    member = factories.make_member(at=now, identities={"external_id": "u1"})
    offer = make_offer(at=now)
    return issuing.issue_coupon(offer_id=offer.pk, member_id=member.pk, at=now, actor=None)


def redeem(shop, coupon, plan, key="k1", **body):
    body = {"plan": plan.code, "order_ref": "o1", **body}
    return shop(f"u1/coupons/{coupon.code}/redeem", body, **{"idempotency-key": key})


def test_a_member_sees_her_coupons(shop, coupon):
    (found,) = shop("u1/coupons").json()["coupons"]
    assert (found["code"], found["status"], found["redeemed_at"]) == (coupon.code, "issued", None)
    assert found["offer"]["kind"] == "threshold_discount"


def test_a_quote_says_the_price_or_why_not(shop, coupon, plan):
    plain = shop("u1/quote", {"plan": plan.code}).json()
    assert (plain["total_cents"], plain["applies"], plain["reason"]) == (1900, False, None)
    with_it = shop("u1/quote", {"plan": plan.code, "coupon": coupon.code.lower()}).json()
    assert (with_it["price_cents"], with_it["discount_cents"], with_it["total_cents"]) == (1900, 500, 1400)
    cheap = factories.PlanFactory(price_cents=900)
    refused = shop("u1/quote", {"plan": cheap.code, "coupon": coupon.code}).json()
    assert (refused["total_cents"], refused["applies"]) == (900, False)
    assert refused["reason"] == {
        "code": "below_threshold", "detail": "The discount needs a price of at least ¥10.",
    }  # fmt: skip
    assert not MembershipTerm.objects.exists()


def test_the_same_key_gets_the_same_answer(shop, coupon, plan):
    first, again = (redeem(shop, coupon, plan) for _ in range(2))
    assert first.status_code == 200 == again.status_code
    assert first.json() == again.json()
    assert first.json()["term"]["price_cents"] == 1400
    assert MembershipTerm.objects.count() == 1
    changed = redeem(shop, coupon, plan, order_ref="o2")
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_key_reused")
    other = redeem(shop, coupon, plan, key="k2", order_ref="o2")
    assert (other.status_code, other.json()["code"]) == (409, "coupon_redeemed")
    assert other["Content-Type"] == "application/problem+json"
    assert other.json()["detail"] == "This coupon is redeemed already."


def test_a_refusal_is_remembered_and_leaves_nothing(shop, coupon):
    cheap = factories.PlanFactory(price_cents=900)
    assert redeem(shop, coupon, cheap).status_code == 409
    cheap.price_cents = 2000
    cheap.save()
    assert redeem(shop, coupon, cheap).json()["code"] == "coupon_below_threshold"
    assert redeem(shop, coupon, cheap, key="k2").status_code == 200
    assert Coupon.objects.get().discount_cents == 500


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("nobody/coupons", None, {}, 404, "member_unknown"),
        ("u1/quote", {"plan": "none"}, {}, 422, "plan_unknown"),
        ("u1/quote", {}, {}, 422, "plan"),
        ("u1/quote", "[1]", {}, 400, "not_an_object"),
        ("u1/quote", "{", {}, 400, "unreadable"),
        ("u1/quote", {"plan": "p", "coupon": "X-1"}, {}, 404, "coupon_unknown"),
        ("u1/coupons/X/redeem", {"plan": "p", "order_ref": "o"}, {}, 400, "idempotency_key"),
        ("u1/coupons/X/redeem", {"plan": "p"}, {"idempotency-key": "k"}, 422, "order_ref"),
        ("u1/coupons/X/redeem", {"plan": "p", "order_ref": "o"}, {"idempotency-key": "k"}, 404, "coupon_unknown"),
    ],
)
def test_problems_are_named(shop, coupon, path, body, headers, status, code):
    factories.PlanFactory(code="p")
    answer = shop(path, body, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["message"] == answer.json()["title"]


def test_a_key_needs_the_scope(admin, now, coupon):
    wrong = speaker("wk_wrong")("u1/coupons")
    assert (wrong.status_code, wrong["WWW-Authenticate"]) == (401, 'Basic realm="write key"')
    assert speaker(key_for(admin, now, "events"))("u1/coupons").status_code == 403


def test_a_merged_members_old_id_still_leads_to_her_coupons(shop, coupon, now):
    survivor = factories.make_member(at=now)
    merge_members(actor=None, at=now, survivor_id=survivor.pk, absorbed_id=coupon.member_id)
    assert shop("u1/coupons").json()["coupons"][0]["code"] == coupon.code


def test_old_answers_are_forgotten(shop, coupon, plan, now):
    redeem(shop, coupon, plan)
    assert calls.forget_calls(at=now + DAY) == 0
    assert calls.forget_calls(at=now + 31 * DAY) == 1
    assert not RedeemCall.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_twenty_replays_at_once_have_one_effect(shop, coupon, plan):
    def once(_n):
        try:
            return redeem(shop, coupon, plan).content
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(once, range(20)))
    assert len(answers) == 1
    assert MembershipTerm.objects.count() == 1


def test_the_scope_is_offered_for_new_keys(admin_client):
    source = factories.SourceFactory()
    page = admin_client.get(f"/console/settings/sources/{source.pk}/keys/new/").content.decode()
    assert "Coupons: read, quote, redeem" in page


def test_an_order_of_the_house_is_refused(shop, coupon, plan):
    answer = redeem(shop, coupon, plan, order_ref="house:seat:3:17")
    assert (answer.status_code, answer.json()["code"]) == (422, "order_ref")
    assert "given by the system itself" in answer.json()["detail"]
    assert not MembershipTerm.objects.exists()
