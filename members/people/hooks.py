"""What people bring along."""

from django.utils.translation import gettext_lazy as _

from config.console import searches
from config.console.demo import DEMO_DATA
from config.console.menu import MEMBERS, MENU, MenuEntry
from config.console.palette import ACTIONS, PALETTE, PaletteAction, PaletteGroup
from config.staff.access import Permission
from members.people.belongings import BELONGINGS, Belonging, register_staying
from members.people.console.palette import find_members
from members.people.models import Consent, Identity, Member


def register() -> None:
    """Called once, when the app is ready."""
    BELONGINGS.register(Belonging(Identity, _("Identities"), revived=True))
    # What was said last counts; of two words at once the one that forbids.
    BELONGINGS.register(
        Belonging(
            Consent, _("Consents"), equal_by=["channel"], prefer="changed_at DESC, is_granted", copied="true",
            keeps_changed=True,
        )
    )  # fmt: skip
    register_staying(Member, "merged_into", "a chain is followed to its end")
    DEMO_DATA.register(Member.objects.filter(is_demo=True).exists, code="members")
    searches.LISTS.register("members:list", code="members")
    MENU.register(MenuEntry(_("Members"), "members:list", "users", MEMBERS, 10))
    PALETTE.register(PaletteGroup("members", 10, _("Members"), find_members))
    ACTIONS.register(
        PaletteAction(_("New member"), "members:new", "user-plus", 10, Permission.OPERATE, "create add 新建 会员")
    )
