"""Why a step with offers or coupons does not apply."""

from collections.abc import Mapping


class OfferRefused(Exception):
    """The offer stays as it is; ``code`` says why, ``detail`` holds what the sentence needs."""

    def __init__(self, code: str, detail: Mapping[str, object] | None = None) -> None:
        self.code, self.detail = code, dict(detail or {})
        super().__init__(code)


class CouponRefused(OfferRefused):
    """The coupon is not issued, redeemed or revoked."""
