"""What of campaigns goes along when a member is merged into another."""

from django.utils.translation import gettext_lazy as _

from campaigns.models import Enrollment, MessageIntent
from members.merging.belongings import Belonging
from members.merging.belongings import register as register_belonging


def register() -> None:
    """Called once, when the app is ready. Nothing is sent anew: a row the survivor has too stays out of sight."""
    register_belonging(Belonging(Enrollment, _("Enrollments"), equal_by=["campaign_id", "occurrence"]))
    register_belonging(
        Belonging(MessageIntent, _("Messages"), equal_by=["campaign_id", "step_key", "occurrence"])
    )  # fmt: skip
