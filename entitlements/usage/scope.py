"""What a write key needs to check and use benefits."""

from django.utils.translation import gettext_lazy as _

from members.events.scopes import SCOPES

SCOPE = "benefits"


def register() -> None:
    """Called once, when the app is ready."""
    SCOPES.register(_("Benefits: check and use"), code=SCOPE)
