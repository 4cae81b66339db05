"""What merging brings along: what goes with a member who is merged, of the tables of the rooms below."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from config.console.menu import MEMBERS, MENU, MenuEntry
from members.counters.models import EventTally
from members.events.likeness import LISTENERS
from members.events.models import ActiveDay, Event, TraitStamp
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.merging.belongings import BELONGINGS, Belonging, register_staying
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
    BELONGINGS.register(Belonging(Identity, _("Identities")))
    BELONGINGS.register(Belonging(MembershipTerm, _("Terms")))
    BELONGINGS.register(Belonging(MemberSignal, _("Signals")))
    BELONGINGS.register(Belonging(Event, _("Events")))
    BELONGINGS.register(Belonging(ActiveDay, _("Active days"), equal_by=["local_on"], prefer="first_at"))
    BELONGINGS.register(Belonging(MemberTag, _("Tags"), equal_by=["code"], among="until IS NULL", prefer="since"))
    # What was said last counts; of two words at once the one that forbids.
    BELONGINGS.register(Belonging(Consent, _("Consents"), equal_by=["channel"], prefer="changed_at DESC, is_granted"))
    BELONGINGS.register(Belonging(TraitStamp, _("Traits"), equal_by=["name"], prefer="stated_at DESC, message_id DESC"))
    BELONGINGS.register(
        Belonging(
            SegmentMembership, _("Segments"), equal_by=["segment_id"], among="left_at IS NULL", prefer="entered_at",
            recount=_count_segments,
        )
    )  # fmt: skip
    BELONGINGS.register(Belonging(SegmentUploadLine, _("Uploaded lists")))
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
