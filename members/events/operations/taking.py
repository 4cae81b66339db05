"""A request of the tracking API, taken in one transaction whatever it holds, and an ordinary one in one statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, OperationalError, transaction
from psycopg import errors

from config.engine.prepared import begin_with
from config.engine.refusal import Refused
from members.events.likeness import note_likeness
from members.events.models import Source
from members.events.operations.keys import note_use
from members.events.operations.parking import replay_for
from members.events.operations.recording import end_silence
from members.events.querysets import reading, writing
from members.events.querysets.events import describe, ensure_months
from members.events.querysets.reading import Summary
from members.events.querysets.traits import apply_traits
from members.events.repair import MAX_DEPTH, split_batch

BATCH = "batch"
# Of two requests that meet the same newcomer, or lock members in another order, one is turned back and tries again.
ATTEMPTS = 4
# What a body says about people calls for more than its events. Found where it means something else, it costs a little.
ABOUT_PEOPLE = ('"identify"', '"alias"')


@dataclass(frozen=True)
class Outcome:
    """What became of the messages of a request; ``rejected`` are dicts of ``index`` and ``reason``."""

    accepted: int
    duplicates: int
    parked: int
    rejected: list[dict[str, Any]]


def take_messages(*, body: str, kind: str, key_hash: str, at: datetime) -> Outcome:
    """Take one message (``kind``: ``identify``, ``track``, ``page``, ``alias``) or many (``batch``) that a key sent.

    ``body`` is JSON text of bounded size, ``key_hash`` the ``hash_of`` the key. Bad messages are listed in the outcome
    and cost the others nothing. Raises Refused and Refused. Sent again, or at the same time, or in another
    order, the same messages leave the same state. The caller wakes the sweep.
    """
    params = {"body": body, "kind": kind, "at": at, "key_hash": key_hash, "zone": settings.PROJECT_TIME_ZONE}
    try:
        return begin_with(lambda: _until_taken(params))
    except (DataError, OperationalError) as error:
        if not _is_of_the_body(error):
            raise
    if kind != BATCH:
        raise Refused("unreadable")
    mended, faults = _mended(body)
    try:
        outcome = _until_taken(params | {"body": mended})
    except DataError:
        raise Refused("unreadable") from None
    for row in outcome.rejected:
        row["reason"] = faults.get(row["index"], row["reason"])
    return outcome


def _take(params: dict[str, Any]) -> Outcome:
    if any(word in params["body"] for word in ABOUT_PEOPLE):
        return _take_apart(params)
    summary = _readable(writing.store_alone(params))
    if not summary.is_stored:
        return _take_apart(params)
    outcome = _outcome(summary, duplicates=summary.offered - summary.stored)
    describe(summary.properties)
    note_use(key=summary.key, at=params["at"])
    return outcome


@transaction.atomic
def _take_apart(params: dict[str, Any]) -> Outcome:
    """Take a body that may be about newcomers, visitors, profiles, or a source not heard for a while."""
    at = params["at"]
    summary = _readable(writing.store_first(params))
    key = summary.key
    params = params | {"source": key.source_id, "scopes": key.scopes}
    stored, offered = summary.stored, summary.offered
    unknown_at_first = summary.unknown_users + summary.unknown_visitors
    creates = summary.unknown_users > 0 and Source.objects.get(pk=key.source_id).creates_members
    newcomers = writing.create_newcomers(params) if creates else []
    linked = writing.link_visitors(params) if summary.unlinked else []
    if summary.shared or linked:
        note_likeness(found=writing.SHARED, params=params)
    # Parked before the rest is stored: who appears in between is then known to every statement that follows.
    parked, unknown = writing.park(params) if unknown_at_first else (0, 0)
    if summary.profiles:
        apply_traits(facts=writing.PROFILES, params=params)
    if unknown < unknown_at_first:
        # The whole body is offered again, and what was stored before is not new.
        more, offered = writing.store_rest(params)
        stored += more
    if newcomers or linked:
        replay_for(member_ids=sorted({*newcomers, *linked}), at=at)
        writing.place_newcomers(params, newcomers)
    outcome = _outcome(summary, duplicates=offered - stored + unknown - parked, parked=parked)
    # Rows that all requests share are written as seldom as may be, and last: who else wants them waits for our commit.
    if unknown_at_first:
        rejected = len(outcome.rejected)
        counts = {"accepted": outcome.accepted, "duplicate": outcome.duplicates, "parked": parked, "rejected": rejected}
        writing.count_day(params | counts)
    describe(summary.properties)
    note_use(key=key, at=at)
    if stored and summary.is_news and summary.last_at:
        _note_heard(params, min(summary.last_at, at))
    return outcome


def _readable(summary: Summary | None) -> Summary:
    if summary is None:
        raise Refused("unauthorized")
    if not summary.is_well_formed:
        raise Refused("not_a_batch")
    if summary.messages > reading.MAX_MESSAGES:
        raise Refused("too_many_messages", limit=f"{reading.MAX_MESSAGES:,}")
    return summary


def _outcome(summary: Summary, *, duplicates: int, parked: int = 0) -> Outcome:
    rejected = summary.rejected
    return Outcome(summary.messages - len(rejected) - duplicates - parked, duplicates, parked, rejected)


def _note_heard(params: dict[str, Any], heard_at: datetime) -> None:
    heard = writing.note_heard(params | {"heard_at": heard_at})
    if heard:
        source = Source.objects.get(pk=params["source"])
        source.connected_at, source.last_event_at = heard.connected_at, heard.last_event_at
        end_silence(source, at=params["at"])


def _mended(body: str) -> tuple[str, dict[int, str]]:
    """The batch without the messages PostgreSQL cannot hold, whose places stay, and what is wrong with those."""
    parts = split_batch(body)
    if parts is None:
        raise Refused("unreadable")
    if len(parts.messages) > reading.MAX_MESSAGES:
        raise Refused("too_many_messages", limit=f"{reading.MAX_MESSAGES:,}")
    faults = {n: "too_deep" for n, depth in enumerate(parts.depths) if depth > MAX_DEPTH}
    faults |= {n: "unreadable" for n, text in enumerate(parts.messages) if "\0" in text}
    texts = ["null" if n in faults else text for n, text in enumerate(parts.messages)]
    faults |= dict.fromkeys(reading.unreadable(texts), "unreadable")
    texts = ["null" if n in faults else text for n, text in enumerate(texts)]
    return f'{{"batch":[{",".join(texts)}],"sentAt":{parts.sent_at}}}', faults


def _is_of_the_body(error: Exception) -> bool:
    return isinstance(error, DataError) or isinstance(error.__cause__, errors.StatementTooComplex)


def _until_taken(params: dict[str, Any]) -> Outcome:
    for _ in range(ATTEMPTS - 1):
        try:
            return _take(params)
        except IntegrityError as error:
            # An event of a month that has no partition yet, which is seldom enough to learn it so.
            if isinstance(error.__cause__, errors.CheckViolation):
                _make_months(params)
        except OperationalError as error:
            if not isinstance(error.__cause__, errors.DeadlockDetected):
                raise
    return _take(params)


@transaction.atomic
def _make_months(params: dict[str, Any]) -> None:
    ensure_months(reading.months(params))
