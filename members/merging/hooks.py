"""What merging brings along: what goes with a member who is merged, of the tables of the rooms below."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from config.console.menu import MEMBERS, MENU, MenuEntry
from members.counters.models import EventTally
from members.events.likeness import LISTENERS
from members.events.models import ActiveDay, Event, TraitStamp
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.merging.belongings import Belonging, register_staying
from members.merging.belongings import register as register_belonging
from members.merging.models import DuplicatePair, MergeRecord
from members.merging.querysets.pairs import keep_pairs
from members.people.models import Consent, Identity, Member
from members.segments.models import SegmentMembership, SegmentUploadLine
from members.segments.operations.refreshing import count_again
from members.tags.models import MemberTag
from members.terms.models import MembershipTerm, MemberSignal
from members.value.models import GroupChange, MemberValue


def register() -> None:
    """Called once, when the app is ready."""
    LISTENERS.register(keep_pairs, code="merging")
    register_belonging(Belonging(Identity, _("Identities")))
    register_belonging(Belonging(MembershipTerm, _("Terms")))
    register_belonging(Belonging(MemberSignal, _("Signals")))
    register_belonging(Belonging(Event, _("Events")))
    register_belonging(Belonging(ActiveDay, _("Active days"), equal_by=["local_on"], prefer="first_at"))
    register_belonging(Belonging(MemberTag, _("Tags"), equal_by=["code"], among="until IS NULL", prefer="since"))
    # What was said last counts; of two words at once the one that forbids.
    register_belonging(Belonging(Consent, _("Consents"), equal_by=["channel"], prefer="changed_at DESC, is_granted"))
    register_belonging(Belonging(TraitStamp, _("Traits"), equal_by=["name"], prefer="stated_at DESC, message_id DESC"))
    register_belonging(
        Belonging(
            SegmentMembership, _("Segments"), equal_by=["segment_id"], among="left_at IS NULL", prefer="entered_at",
            recount=_count_segments,
        )
    )  # fmt: skip
    register_belonging(Belonging(SegmentUploadLine, _("Uploaded lists")))
    register_staying(EventTally, "member", "counted again from the events, which move")
    register_staying(MemberValue, "member", "scored again each night; who was merged is then left out")
    register_staying(GroupChange, "member", "append-only: the log says what was so at the time")
    register_staying(LifecycleTransition, "member", "append-only: the log says what was so at the time")
    register_staying(MemberLifecycle, "member", "kept in the merge's record: who has no such row is nowhere a member")
    register_staying(DuplicatePair, "member_a", "shown only while both members stand")
    register_staying(DuplicatePair, "member_b", "shown only while both members stand")
    register_staying(MergeRecord, "survivor", "says what happened between two members")
    register_staying(MergeRecord, "absorbed", "says what happened between two members")
    register_staying(Member, "merged_into", "a chain is followed to its end")
    MENU.register(MenuEntry(_("Likely duplicates"), "merging:index", "git-compare", MEMBERS, 50))


def _count_segments(rows: list[dict[str, Any]]) -> None:
    count_again(segment_ids={row["segment_id"] for row in rows})
