"""What can become of an offer and of a coupon: their statuses and the tables of moves between them.

Two executors read the tables: ``django-fsm`` for one row, ``apply`` of the querysets for any number. A database trigger
refuses every other edge.
"""

from django.db.models import Q, TextChoices
from django.utils.translation import pgettext_lazy

from config.engine.moves import Move, edges


class OfferStatus(TextChoices):
    DRAFT = "draft", pgettext_lazy("offer", "Draft")
    ACTIVE = "active", pgettext_lazy("offer", "Active")
    PAUSED = "paused", pgettext_lazy("offer", "Paused")
    ENDED = "ended", pgettext_lazy("offer", "Ended")


class CouponStatus(TextChoices):
    ISSUED = "issued", pgettext_lazy("coupon", "Unused")
    REDEEMED = "redeemed", pgettext_lazy("coupon", "Redeemed")
    EXPIRED = "expired", pgettext_lazy("coupon", "Expired")
    REVOKED = "revoked", pgettext_lazy("coupon", "Revoked")


ACTIVATE = Move.make("activate", [OfferStatus.DRAFT, OfferStatus.PAUSED], OfferStatus.ACTIVE)
PAUSE = Move.make("pause", [OfferStatus.ACTIVE], OfferStatus.PAUSED)
END = Move.make("end", [OfferStatus.ACTIVE, OfferStatus.PAUSED], OfferStatus.ENDED)

OFFER_MOVES = (ACTIVATE, PAUSE, END)
OFFER_EDGES = edges(OFFER_MOVES)

REDEEM = Move.make("redeem", [CouponStatus.ISSUED], CouponStatus.REDEEMED)
EXPIRE = Move.make("expire", [CouponStatus.ISSUED], CouponStatus.EXPIRED)
REVOKE = Move.make("revoke", [CouponStatus.ISSUED], CouponStatus.REVOKED)
# The term it bought was refunded, and the offer says that the coupon then comes back.
GIVE_BACK = Move.make("give_back", [CouponStatus.REDEEMED], CouponStatus.ISSUED, Q(is_returnable=True))

COUPON_MOVES = (REDEEM, EXPIRE, REVOKE, GIVE_BACK)
COUPON_EDGES = edges(COUPON_MOVES)

# What a page shows beside the word.
OFFER_DOTS: dict[str, str] = {"draft": "", "active": "good", "paused": "warn", "ended": "off"}
COUPON_DOTS: dict[str, str] = {"issued": "run", "redeemed": "good", "expired": "off", "revoked": "bad"}
