"""Offers are made, changed, switched on, paused and ended here."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django_fsm import can_proceed

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.offers import points, rules
from entitlements.offers.lifecycle import ACTIVATE, END, PAUSE, OfferStatus
from entitlements.offers.models import Offer, OfferBudget

WORDS = (
    "code", "name", "name_zh", "description", "description_zh", "valid_from", "valid_until", "valid_days", "per_member",
    "code_prefix", "cost_to", "is_returned_on_refund",
)  # fmt: skip


@transaction.atomic
def save_offer(
    *,
    terms: rules.Terms,
    actor: User | None,
    at: datetime,
    offer_id: int | None = None,
    budget_cents: int | None = None,
    max_coupons: int | None = None,
    **words: Any,
) -> Offer:
    """Make an offer, or change the one with ``offer_id``; coupons that are out keep their terms.

    ``words`` are columns of ``WORDS``. Raises Refused: ``terms`` (detail: field → code), ``points_closed``,
    ``ended``, ``kind_fixed`` once a coupon is out, ``below_spent``, ``below_issued``.
    """
    if unknown := set(words) - set(WORDS):
        raise TypeError(f"not a field of an offer: {', '.join(sorted(unknown))}")
    if wrong := rules.faults(terms):
        raise Refused("terms", faults=dict(wrong))
    if terms.kind == rules.POINTS and points.opened() is None:
        raise Refused("points_closed")
    offer = locked(offer_id) if offer_id else Offer(created_at=at, created_by=actor)
    budget = OfferBudget.objects.select_for_update().get(pk=offer_id) if offer_id else OfferBudget(offer=offer)
    _check_changes(offer, budget, terms, budget_cents, max_coupons)
    written = terms.written()
    offer.version += int(bool(offer.pk) and offer.terms != written)
    offer.kind, offer.terms, offer.updated_at = terms.kind, written, at
    for name, value in words.items():
        setattr(offer, name, value)
    offer.save()
    budget.pk, budget.budget_cents, budget.max_coupons = offer.pk, budget_cents, max_coupons
    budget.save(update_fields=["budget_cents", "max_coupons"] if offer_id else None)
    audit(offer, "offer.saved", actor=actor, at=at, code=offer.code, version=offer.version, created=not offer_id)
    return offer


@transaction.atomic
def activate_offer(*, offer_id: int, actor: User | None, at: datetime) -> Offer:
    """Coupons may be issued and redeemed from now on. Raises Refused."""
    offer = _moved(offer_id, ACTIVATE.name)
    if offer.kind == rules.POINTS and points.opened() is None:
        raise Refused("points_closed")
    audit(offer, "offer.activated", actor=actor, at=at, code=offer.code)
    return offer


@transaction.atomic
def pause_offer(*, offer_id: int, actor: User | None, at: datetime) -> Offer:
    """Nothing is issued and nothing redeemed until it is active again. Raises Refused."""
    offer = _moved(offer_id, PAUSE.name)
    audit(offer, "offer.paused", actor=actor, at=at, code=offer.code)
    return offer


@transaction.atomic
def end_offer(*, offer_id: int, actor: User | None, at: datetime) -> Offer:
    """No more coupons, for good; those that are out can be redeemed until they expire. Raises Refused."""
    offer = _moved(offer_id, END.name)
    audit(offer, "offer.ended", actor=actor, at=at, code=offer.code)
    return offer


def locked(offer_id: int) -> Offer:
    """The offer, held until the transaction ends."""
    offer = Offer.objects.select_for_update().filter(pk=offer_id).first()
    if offer is None:
        raise Refused("gone")
    return offer


def _moved(offer_id: int, move: str) -> Offer:
    offer = locked(offer_id)
    transition = getattr(offer, move)
    if not can_proceed(transition):
        raise Refused("not_now")
    transition()
    offer.save(update_fields=["status"])
    return offer


def _check_changes(
    offer: Offer, budget: OfferBudget, terms: rules.Terms, budget_cents: int | None, max_coupons: int | None
) -> None:
    if offer.status == OfferStatus.ENDED:
        raise Refused("ended")
    if budget.issued and offer.kind != terms.kind:
        raise Refused("kind_fixed")
    if budget_cents is not None and budget_cents < budget.spent_cents:
        raise Refused("below_spent", spent_cents=budget.spent_cents)
    if max_coupons is not None and max_coupons < budget.issued - budget.revoked:
        raise Refused("below_issued", issued=budget.issued - budget.revoked)
