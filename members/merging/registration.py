"""What belongs to a member, of the tables of this app."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from members.counters.models import EventTally
from members.events.likeness import LISTENERS
from members.events.models import ActiveDay, Event, TraitStamp
from members.exports.models import EventRecord
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.merging.belongings import Belonging, register, register_staying
from members.merging.models import DuplicatePair, MergeRecord
from members.merging.querysets.pairs import keep_pairs
from members.people.models import Consent, Identity, Member
from members.segments.models import SegmentMembership, SegmentUploadLine
from members.segments.operations.refreshing import count_again
from members.tags.models import MemberTag
from members.terms.models import MembershipTerm, MemberSignal
from members.value.models import GroupChange, MemberValue


def register_all() -> None:
    """Called once, when the app is ready."""
    LISTENERS.register(keep_pairs, code="merging")
    register(Belonging(Identity, _("Identities")))
    register(Belonging(MembershipTerm, _("Terms")))
    register(Belonging(MemberSignal, _("Signals")))
    register(Belonging(Event, _("Events")))
    register(Belonging(ActiveDay, _("Active days"), equal_by=["local_on"], prefer="first_at"))
    register(Belonging(MemberTag, _("Tags"), equal_by=["code"], among="until IS NULL", prefer="since"))
    # What was said last counts; of two words at once the one that forbids.
    register(Belonging(Consent, _("Consents"), equal_by=["channel"], prefer="changed_at DESC, is_granted"))
    register(Belonging(TraitStamp, _("Traits"), equal_by=["name"], prefer="stated_at DESC, message_id DESC"))
    register(
        Belonging(
            SegmentMembership, _("Segments"), equal_by=["segment_id"], among="left_at IS NULL", prefer="entered_at",
            recount=_count_segments,
        )
    )  # fmt: skip
    register(Belonging(SegmentUploadLine, _("Uploaded lists")))
    register_staying(EventTally, "member", "counted again from the events, which move")
    register_staying(MemberValue, "member", "scored again each night; who was merged is then left out")
    register_staying(GroupChange, "member", "append-only: the log says what was so at the time")
    register_staying(LifecycleTransition, "member", "append-only: the log says what was so at the time")
    register_staying(MemberLifecycle, "member", "kept in the merge's record: who has no such row is nowhere a member")
    register_staying(EventRecord, "member", "the table of Event under another key")
    register_staying(DuplicatePair, "member_a", "shown only while both members stand")
    register_staying(DuplicatePair, "member_b", "shown only while both members stand")
    register_staying(MergeRecord, "survivor", "says what happened between two members")
    register_staying(MergeRecord, "absorbed", "says what happened between two members")
    register_staying(Member, "merged_into", "a chain is followed to its end")


def _count_segments(rows: list[dict[str, Any]]) -> None:
    count_again(segment_ids={row["segment_id"] for row in rows})
