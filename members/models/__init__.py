from members.counters.models import EventCounter, EventTally
from members.exports.models import EventRecord
from members.imports.models import ImportEffect, ImportIssue, ImportRun
from members.ingest.models import EventDay, EventProperty, IngestDay, ParkedEvent, TraitStamp, WriteKey
from members.models.events import ActiveDay, Event, EventDefinition, EventReceipt, Source
from members.models.lifecycle import LifecyclePolicy, LifecycleTransition, MemberLifecycle, SweepBrake
from members.models.people import Consent, Identity, Member, MemberTag
from members.models.terms import MembershipTerm, MemberSignal, Plan, Tier
from members.segments.models import (
    Segment,
    SegmentMembership,
    SegmentReference,
    SegmentSize,
    SegmentUpload,
    SegmentUploadLine,
    SegmentVersion,
)
from members.tags.models import Tag, TagSize, TagVersion

__all__ = [
    "ActiveDay",
    "Consent",
    "Event",
    "EventCounter",
    "EventDay",
    "EventDefinition",
    "EventProperty",
    "EventReceipt",
    "EventRecord",
    "EventTally",
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
    "ParkedEvent",
    "Plan",
    "Segment",
    "SegmentMembership",
    "SegmentReference",
    "SegmentSize",
    "SegmentUpload",
    "SegmentUploadLine",
    "SegmentVersion",
    "Source",
    "SweepBrake",
    "Tag",
    "TagSize",
    "TagVersion",
    "Tier",
    "TraitStamp",
    "WriteKey",
]
