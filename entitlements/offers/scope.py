"""What a write key needs to ask for prices and redeem coupons."""

from django.utils.translation import gettext_lazy as _

from members.events import scopes

SCOPE = "coupons"


def register() -> None:
    """Called once, when the app is ready."""
    scopes.register(SCOPE, _("Coupons: read, quote, redeem"))
