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
        # Of two equal ones the one that a person gave stays: a rule says again what it says of the one member.
        Belonging(
            MemberTag, _("Tags"), equal_by=["code"], among="until IS NULL", prefer="given_at IS NULL, since",
            copied="true",
        )
    )  # fmt: skip
    MENU.register(MenuEntry(_("Tags"), "tags:index", "tag", MEMBERS, 30))
