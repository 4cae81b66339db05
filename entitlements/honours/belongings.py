"""What of honours goes along when a member is merged into another."""

from django.utils.translation import gettext_lazy as _

from entitlements.honours.models import AdviserAssignment, HonourAward
from members.merging.belongings import BELONGINGS, Belonging


def register_all() -> None:
    """Called once, when the app is ready. Of two places on a list the better one stays, of two advisers the first."""
    BELONGINGS.register(Belonging(HonourAward, _("Honours"), equal_by=["run_id"], prefer="rank"))
    BELONGINGS.register(
        Belonging(
            AdviserAssignment, _("Advisers"), equal_by=["ended_at"], among="ended_at IS NULL", prefer="assigned_at"
        )
    )
