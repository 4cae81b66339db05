"""What partner codes bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from config.console.work import WORK, WorkSource
from entitlements.codes import timeline_source
from entitlements.codes.console import work
from entitlements.codes.models import PartnerCode
from members.people.belongings import BELONGINGS, Belonging


def register() -> None:
    """Called once, when the app is ready."""
    # Both codes are given away; the survivor's is the one that is shown.
    BELONGINGS.register(Belonging(PartnerCode, _("Partner codes"), equal_by=["pool_id"]))
    timeline_source.register()
    WORK.register(WorkSource("low_code_pools", 50, work.low_pools))
    MENU.register(MenuEntry(_("Partner codes"), "codes:index", "gift", BENEFITS, 50))
