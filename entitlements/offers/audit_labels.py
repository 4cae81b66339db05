"""The audit actions of offers, coupons and partner codes, in words."""

from django.utils.translation import gettext_lazy as _

LABELS = {
    "offer.saved": _("Offer saved"),
    "offer.activated": _("Offer switched on"),
    "offer.paused": _("Offer paused"),
    "offer.ended": _("Offer ended"),
    "offer.run_started": _("Issuing to a segment started"),
    "offer.run_done": _("Issuing to a segment done"),
    "offer.run_stopped": _("Issuing to a segment stopped"),
    "coupon.issued": _("Coupon issued"),
    "coupon.redeemed": _("Coupon redeemed"),
    "coupon.revoked": _("Coupon revoked"),
    "coupon.given_back": _("Coupon came back after a refund"),
    "code_pool.saved": _("Code pool saved"),
    "code_pool.filled": _("Partner codes taken in"),
    "code_pool.claimed": _("Partner code handed out"),
    "code_pool.revealed": _("Partner code shown in full"),
}
