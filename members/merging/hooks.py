"""What merging brings along."""

from django.utils.translation import gettext_lazy as _

from config.console.menu import MEMBERS, MENU, MenuEntry
from config.console.work import WORK, WorkSource
from members.events.likeness import LISTENERS
from members.merging.console import work
from members.merging.models import DuplicatePair, MergeRecord
from members.merging.querysets.pairs import keep_pairs
from members.people.belongings import register_staying


def register() -> None:
    """Called once, when the app is ready."""
    LISTENERS.register(keep_pairs, code="merging")
    register_staying(DuplicatePair, "member_a", "shown only while both members stand")
    register_staying(DuplicatePair, "member_b", "shown only while both members stand")
    register_staying(MergeRecord, "survivor", "says what happened between two members")
    register_staying(MergeRecord, "absorbed", "says what happened between two members")
    WORK.register(WorkSource("merge_surplus", 55, work.surplus))
    MENU.register(MenuEntry(_("Likely duplicates"), "merging:index", "git-compare", MEMBERS, 50))
