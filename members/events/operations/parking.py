"""Messages about somebody not known yet wait here until she appears."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from members.events.likeness import note_likeness
from members.events.models import ParkedEvent
from members.events.querysets import parked, writing
from members.events.querysets.events import ensure_months, ingest
from members.events.querysets.traits import apply_traits

BATCH = 5_000
# Who has not appeared by then hardly will, and the messages name people.
KEPT_DAYS = 90


@transaction.atomic
def replay_for(*, member_ids: Sequence[int], at: datetime) -> int:
    """Take the parked messages about these members as if they came now; returns how many there were.

    A message may link a visitor to the member, which brings up the visitor's own; all of them are taken. The caller
    wakes the sweep.
    """
    replayed = 0
    while claimed := parked.claim(member_ids, BATCH):
        _take(claimed, at)
        replayed += len(claimed)
    return replayed


def replay_waiting(*, at: datetime) -> int:
    """Take every parked message whose member is known by now, as after an import; returns how many there were.

    Safe to run concurrently with itself: the rows of a batch are claimed.
    """
    replayed = 0
    while True:
        with transaction.atomic():
            claimed = parked.claim(None, BATCH)
            _take(claimed, at)
        if not claimed:
            return replayed
        replayed += len(claimed)


def forget_parked(*, at: datetime) -> int:
    """Delete what has waited for longer than ``KEPT_DAYS``; returns how many."""
    return ParkedEvent.objects.filter(received_at__lt=at - timedelta(days=KEPT_DAYS)).delete()[0]


def _take(claimed: Sequence[parked.Claimed], at: datetime) -> None:
    params = {"parked": [row.pk for row in claimed], "at": at, "zone": settings.PROJECT_TIME_ZONE}
    parked.link_visitors(params)
    note_likeness(found=parked.SHARED, params=params)
    if any(row.is_profile for row in claimed):
        apply_traits(facts=parked.PROFILES, params=params)
    ensure_months(sorted({row.month for row in claimed if not row.is_profile}))
    for source_id in sorted({row.source_id for row in claimed}):
        of_source = params | {"source": source_id}
        stored, _ = ingest(incoming=parked.EVENTS, params=of_source)
        counts = {"accepted": stored, "duplicate": 0, "rejected": 0, "parked": 0}
        writing.count_day(of_source | counts)
    ParkedEvent.objects.filter(pk__in=params["parked"]).delete()
