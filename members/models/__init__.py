from members.exports.models import EventRecord
from members.imports.models import ImportEffect, ImportIssue, ImportRun
from members.ingest.models import EventDay, EventProperty, IngestDay, ParkedEvent, TraitStamp, WriteKey
from members.merging.models import DuplicatePair, MergeRecord
from members.models.events import ActiveDay, Event, EventDefinition, EventReceipt, Source
from members.models.lifecycle import LifecyclePolicy, LifecycleTransition, MemberLifecycle, SweepBrake
from members.models.people import Consent, Identity, Member, MemberTag
from members.models.terms import MembershipTerm, MemberSignal, Plan, Tier
from members.segments.models import Segment, SegmentMembership, SegmentReference, SegmentSize, SegmentVersion

__all__ = [
    "ActiveDay",
    "Consent",
    "DuplicatePair",
    "Event",
    "EventDay",
    "EventDefinition",
    "EventProperty",
    "EventReceipt",
    "EventRecord",
    "Identity",
    "ImportEffect",
    "ImportIssue",
    "ImportRun",
    "IngestDay",
    "LifecyclePolicy",
    "LifecycleTransition",
    "Member",
    "MemberLifecycle",
    "MemberSignal",
    "MemberTag",
    "MembershipTerm",
    "MergeRecord",
    "ParkedEvent",
    "Plan",
    "Segment",
    "SegmentMembership",
    "SegmentReference",
    "SegmentSize",
    "SegmentVersion",
    "Source",
    "SweepBrake",
    "Tier",
    "TraitStamp",
    "WriteKey",
]
