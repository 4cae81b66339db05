"""What offers bring along."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from config.engine.actions import register_actions
from entitlements.offers import conditions, consequences, paying, scope, timeline_source
from entitlements.offers.audit_labels import LABELS
from entitlements.offers.console import portrait
from entitlements.offers.models import Coupon
from entitlements.offers.operations.issuing import count_again
from members.people.belongings import BELONGINGS, Belonging


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    # Both are kept: the code of either may be in a mail that the member holds.
    BELONGINGS.register(
        Belonging(
            Coupon, _("Coupons"), equal_by=["offer_id", "ordinal"], among="status <> 'revoked'", renumber="ordinal",
            recount=_count_offers,
        )
    )  # fmt: skip
    conditions.register_all()
    timeline_source.register()
    portrait.register()
    scope.register()
    consequences.register()
    paying.register()
    MENU.register(MenuEntry(_("Offers"), "offers:index", "ticket", BENEFITS, 40))


def _count_offers(rows: list[dict[str, Any]]) -> None:
    count_again(offer_ids={row["offer_id"] for row in rows})
