"""What a write key needs to check and use benefits."""

from django.utils.translation import gettext_lazy as _

from members.events import scopes

SCOPE = "benefits"


def register() -> None:
    """Called once, when the app is ready."""
    scopes.register(SCOPE, _("Benefits: check and use"))
