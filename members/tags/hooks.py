"""What tags bring along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import MEMBERS, MENU, MenuEntry
from members.people.belongings import BELONGINGS, Belonging
from members.tags import consequences
from members.tags.models import MemberTag


def register() -> None:
    """Called once, when the app is ready."""
    consequences.register()
    BELONGINGS.register(
        Belonging(MemberTag, _("Tags"), equal_by=["code"], among="until IS NULL", prefer="since", copied="true")
    )
    MENU.register(MenuEntry(_("Tags"), "tags:index", "tag", MEMBERS, 30))
