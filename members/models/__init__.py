from members.counters.models import EventCounter, EventTally
from members.exports.models import EventRecord
from members.imports.models import ImportEffect, ImportIssue, ImportRun
from members.ingest.models import EventDay, EventProperty, IngestDay, ParkedEvent, TraitStamp, WriteKey
from members.merging.models import DuplicatePair, MergeRecord
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
from members.value.models import (
    GroupChange,
    MemberValue,
    ModelEvaluation,
    RfmThresholds,
    TierCost,
    ValueRun,
    ValueSettings,
)

__all__ = [
    "ActiveDay",
    "Consent",
    "DuplicatePair",
    "Event",
    "EventCounter",
    "EventDay",
    "EventDefinition",
    "EventProperty",
    "EventReceipt",
    "EventRecord",
    "EventTally",
    "GroupChange",
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
    "MemberValue",
    "MembershipTerm",
    "MergeRecord",
    "ModelEvaluation",
    "ParkedEvent",
    "Plan",
    "RfmThresholds",
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
    "TierCost",
    "TraitStamp",
    "ValueRun",
    "ValueSettings",
    "WriteKey",
]
