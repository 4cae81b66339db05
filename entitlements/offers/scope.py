"""What a write key needs to ask for prices and redeem coupons."""

from django.utils.translation import gettext_lazy as _

from members.events.scopes import SCOPES

SCOPE = "coupons"


def register() -> None:
    """Called once, when the app is ready."""
    SCOPES.register(_("Coupons: read, quote, redeem"), code=SCOPE)
