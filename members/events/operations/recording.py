"""Behaviour facts come in here, a batch at a time, each batch one transaction."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce, Greatest, Least

from members.events.feeds import is_stale
from members.events.models import Source
from members.events.querysets.events import ensure_partitions, ingest, ingest_rows
from members.lifecycle.models import MemberLifecycle

MONTHS_AHEAD = 3


@transaction.atomic
def record_events(*, rows: Sequence[dict[str, Any]], source: Source, at: datetime) -> int:
    """Store a batch and mark its members due; returns how many were new.

    A row is a dict of ``member_id``, ``name``, ``occurred_at`` (aware), ``message_id`` (unique in the source) and
    optionally ``value_cents``, ``currency``, ``properties``. Repeated message ids are ignored, so a batch can be
    sent again after a failure. Unknown event names are added to the catalogue. The caller wakes the sweep.
    """
    if not rows:
        return 0
    instants = [row["occurred_at"] for row in rows]
    ensure_partitions(min(instants).date() - timedelta(days=1), max(instants).date() + timedelta(days=1))
    stored, _ = ingest_rows(rows, source_id=source.pk, zone=settings.PROJECT_TIME_ZONE, at=at)
    if stored:
        note_arrival(source=source, at=at, last_at=max(instants))
    return stored


@transaction.atomic
def record_events_from(
    *, incoming: str, params: dict[str, Any], span: tuple[date, date], source: Source, at: datetime
) -> int:
    """Like ``record_events`` for rows that a SQL query yields, as an import's staging table does.

    ``incoming`` selects (member_id, name, occurred_at, message_id, value_cents, currency, properties); ``span`` holds
    the first and last date in it.
    """
    ensure_partitions(span[0] - timedelta(days=1), span[1] + timedelta(days=1))
    stored, _ = ingest(
        incoming=incoming, params={**params, "source": source.pk, "zone": settings.PROJECT_TIME_ZONE, "at": at}
    )
    return stored


def note_arrival(*, source: Source, at: datetime, last_at: datetime) -> None:
    """Note that a source has spoken: connected since the first time, last heard at the latest event.

    The first word of a source starts the silence rules and a stale one suspended them: either way everybody in cover is
    looked at anew.
    """
    end_silence(Source.objects.get(pk=source.pk), at=at)
    Source.objects.filter(pk=source.pk).update(
        connected_at=Least(Coalesce("connected_at", Value(at)), Value(at)),
        last_event_at=Greatest(Coalesce("last_event_at", Value(last_at)), Value(last_at)),
    )


def end_silence(heard: Source, *, at: datetime) -> None:
    """Look at everybody in cover anew where a source that had never spoken, or was stale, speaks again at ``at``.

    ``heard`` is the source as it was before.
    """
    if heard.is_activity_source and (heard.connected_at is None or is_stale(heard, at)):
        MemberLifecycle.objects.filter(membership_status="active").mark_due(at)


@transaction.atomic
def prepare_partitions(*, at: datetime) -> list[str]:
    """Make the partitions of this and the coming months ahead of need; returns the names made."""
    return ensure_partitions(at.date() - timedelta(days=1), (at + relativedelta(months=MONTHS_AHEAD)).date())
