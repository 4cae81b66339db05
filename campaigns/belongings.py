"""What of campaigns goes along when a member is merged into another."""

from django.utils.translation import gettext_lazy as _

from campaigns.models import Enrollment, MessageIntent
from members.merging.belongings import BELONGINGS, Belonging


def register() -> None:
    """Called once, when the app is ready. Nothing is sent anew: a row the survivor has too stays out of sight."""
    BELONGINGS.register(Belonging(Enrollment, _("Enrollments"), equal_by=["campaign_id", "occurrence"]))
    BELONGINGS.register(
        Belonging(MessageIntent, _("Messages"), equal_by=["campaign_id", "step_key", "occurrence"])
    )  # fmt: skip
