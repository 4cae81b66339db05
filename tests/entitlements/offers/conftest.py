"""Offers as tests need them: active, wide open unless said otherwise."""

from datetime import UTC, datetime, timedelta

import pytest

from entitlements.offers.operations import saving
from entitlements.offers.rules import Terms

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)

_DEFAULTS = {
    "join_discount": {"amount_cents": 500},
    "threshold_discount": {"amount_cents": 500, "threshold_cents": 1000},
    "first_purchase_price": {"price_cents": 990},
    "trial_extension": {"days": 5},
    "renewal_discount": {"percent": 20},
    "grace_coupon": {"percent": 20},
}


def make_offer(kind="threshold_discount", *, at=AT, is_active=True, terms=None, actor=None, **values):
    """An offer of a kind; ``terms`` replace the kind's usual ones, ``values`` are its columns and caps."""
    made = Terms.read({"kind": kind, **(_DEFAULTS.get(kind, {}) if terms is None else terms)})
    number = make_offer.number = getattr(make_offer, "number", 0) + 1
    words = {
        "code": f"offer-{number}",
        "name": f"Offer {number}",
        "name_zh": f"优惠{number}",
        "valid_days": 7,
        **values,
    }
    offer = saving.save_offer(terms=made, actor=actor, at=at, **words)
    return saving.activate_offer(offer_id=offer.pk, actor=actor, at=at) if is_active else offer


@pytest.fixture
def offer(db):
    return make_offer()
