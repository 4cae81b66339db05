"""What the host product asks about a member's coupons. See docs/offers.md for the answers."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_POST, require_safe

from config.api.bodies import UnusableBody, text_of
from config.api.problems import Problem, details
from config.engine.money import project_currency
from config.engine.naming import name_of
from config.engine.refusal import Refused
from entitlements.offers.models import Coupon
from entitlements.offers.operations import redeeming
from entitlements.offers.operations.calls import KeyReused, answer_once
from entitlements.offers.scope import SCOPE
from entitlements.offers.words import refusal_with_amounts
from entitlements.usage.api import access
from entitlements.usage.api.fields import external_id_of, is_storable
from members.events.querysets.keys import OpenedKey
from members.people.models import Identity, Member
from members.plans.models import Plan
from members.terms.orders import is_house_order
from members.terms.words import REFUSALS

MAX_KEY = 200
MAX_REF = 120
COUPONS_SHOWN = 200


def keyed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Open a view to write keys for coupons; it gets the key and the member the address names."""

    @wraps(view)
    def opened(request: HttpRequest, key: OpenedKey, at: datetime, external_id: str, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, key, _member(external_id), at, **kwargs)
        except Problem as problem:
            return problem.response()

    return access.keyed(access.refuse, scope=SCOPE)(opened)


@require_safe
@keyed
def coupons(request: HttpRequest, key: OpenedKey, member: Member, at: datetime) -> HttpResponse:
    """The member's coupons, the latest first."""
    rows = Coupon.objects.filter(member=member).select_related("offer").behind(None)[:COUPONS_SHOWN]
    return JsonResponse({"coupons": [_shown(coupon) for coupon in rows]})


@require_POST
@keyed
def quote(request: HttpRequest, key: OpenedKey, member: Member, at: datetime) -> HttpResponse:
    """What a plan costs her, with or without a coupon."""
    body = _body(request)
    plan, code = _plan(body), body.get("coupon")
    try:
        coupon = redeeming.coupon_of(member.pk, _text(body, "coupon", MAX_REF)) if code else None
    except Refused as refused:
        raise Problem(f"coupon_{refused.code}", HTTPStatus.NOT_FOUND, detail=refusal_with_amounts(refused)) from None
    found = redeeming.quote(member_id=member.pk, plan=plan, coupon=coupon, at=at)
    reason = (
        {"code": found.refusal, "detail": refusal_with_amounts(Refused(found.refusal, **found.detail))}
        if found.refusal
        else None
    )
    return JsonResponse(
        {
            "plan": plan.code, "currency": plan.currency, "price_cents": found.price_cents,
            "discount_cents": found.discount_cents, "total_cents": found.total_cents, "extra_days": found.days,
            "points": found.points, "applies": bool(coupon) and reason is None, "reason": reason,
        }
    )  # fmt: skip


@require_POST
@keyed
def redeem(request: HttpRequest, key: OpenedKey, member: Member, at: datetime, code: str) -> HttpResponse:
    """Book a plan with a coupon; the same ``Idempotency-Key`` gets the same answer and books nothing twice."""
    idempotency_key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(idempotency_key) <= MAX_KEY:
        raise Problem("idempotency_key", HTTPStatus.BAD_REQUEST)
    if not is_storable(code):
        raise Problem("coupon_unknown", HTTPStatus.NOT_FOUND, detail=refusal_with_amounts(Refused("unknown")))
    body = _body(request)
    plan, order_ref = _plan(body), _text(body, "order_ref", MAX_REF)
    if is_house_order(order_ref):
        raise Problem("order_ref", HTTPStatus.UNPROCESSABLE_ENTITY, detail=str(REFUSALS["order_reserved"]))
    asked = json.dumps([member.pk, code.upper(), plan.pk, order_ref])
    try:
        status, answer = answer_once(
            key_id=key.pk, idempotency_key=idempotency_key, request_hash=sha256(asked.encode()).hexdigest(), at=at,
            work=lambda: _redeemed(member, code, plan, order_ref, at),
        )  # fmt: skip
    except KeyReused:
        raise Problem("idempotency_key_reused", HTTPStatus.UNPROCESSABLE_ENTITY) from None
    kind = "application/json" if status == HTTPStatus.OK else "application/problem+json"
    # Sorted: an answer that was kept comes back with its keys in another order.
    return JsonResponse(answer, status=status, content_type=kind, json_dumps_params={"sort_keys": True})


def _redeemed(member: Member, code: str, plan: Plan, order_ref: str, at: datetime) -> tuple[int, dict[str, Any]]:
    try:
        with transaction.atomic():
            coupon = redeeming.redeem_coupon(
                member_id=member.pk, code=code, plan=plan, order_ref=order_ref, at=at, actor=None
            )
    except Refused as refused:
        status = HTTPStatus.NOT_FOUND if refused.code == "unknown" else HTTPStatus.CONFLICT
        detail = refusal_with_amounts(refused)
        return status, details(f"coupon_{refused.code}", status, detail=detail)
    term = coupon.term
    booked = {
        "starts_at": term.starts_at.isoformat(), "ends_at": term.ends_at.isoformat(), "price_cents": term.price_cents,
        "currency": term.currency,
    } if term else None  # fmt: skip
    return HTTPStatus.OK, {"coupon": _shown(coupon), "order_ref": coupon.order_ref, "plan": plan.code, "term": booked}


def _shown(coupon: Coupon) -> dict[str, Any]:
    instants = {"issued_at": coupon.issued_at, "valid_from": coupon.valid_from, "expires_at": coupon.expires_at}
    redeemed_at = coupon.finished_at if coupon.status == "redeemed" else None
    offer = coupon.offer
    return {
        "code": coupon.code, "status": coupon.status,
        "offer": {"code": offer.code, "kind": offer.kind, "name": name_of(offer)},
        **{name: instant.isoformat() for name, instant in instants.items()},
        "redeemed_at": redeemed_at.isoformat() if redeemed_at else None, "discount_cents": coupon.discount_cents,
        "currency": project_currency(),
    }  # fmt: skip


def _member(external_id: str) -> Member:
    """Whom the id names, also one she had before a merge."""
    value = external_id_of(external_id)
    identity = Identity.every.select_related("member").filter(kind="external_id", value=value).first()
    if identity is None:
        raise Problem("member_unknown", HTTPStatus.NOT_FOUND)
    return identity.member


def _body(request: HttpRequest) -> Mapping[str, Any]:
    try:
        body = json.loads(text_of(request))
    except (UnusableBody, ValueError, RecursionError):
        raise Problem("unreadable", HTTPStatus.BAD_REQUEST) from None
    if not isinstance(body, dict):
        raise Problem("not_an_object", HTTPStatus.BAD_REQUEST)
    return body


def _text(body: Mapping[str, Any], name: str, longest: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= longest or not is_storable(value):
        raise Problem(name, HTTPStatus.UNPROCESSABLE_ENTITY)
    return value.strip()


def _plan(body: Mapping[str, Any]) -> Plan:
    plan = Plan.objects.filter(code=_text(body, "plan", 32), is_sold=True).select_related("tier").first()
    if plan is None:
        raise Problem("plan_unknown", HTTPStatus.UNPROCESSABLE_ENTITY)
    return plan
