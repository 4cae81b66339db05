"""What of offers and partner codes goes along when a member is merged into another."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from entitlements.codes.models import PartnerCode
from entitlements.offers.models import Coupon
from entitlements.offers.operations.issuing import count_again
from members.merging.belongings import BELONGINGS, Belonging


def register_all() -> None:
    """Called once, when the app is ready. Of two coupons of a kind the used one stays: she had it once."""
    BELONGINGS.register(
        Belonging(
            Coupon, _("Coupons"), equal_by=["offer_id", "ordinal"], among="status <> 'revoked'",
            prefer="(status = 'redeemed') DESC, issued_at", recount=_count_offers,
        )
    )  # fmt: skip
    # Both codes are given away; the survivor's is the one that is shown.
    BELONGINGS.register(Belonging(PartnerCode, _("Partner codes"), equal_by=["pool_id"]))


def _count_offers(rows: list[dict[str, Any]]) -> None:
    count_again(offer_ids={row["offer_id"] for row in rows})
