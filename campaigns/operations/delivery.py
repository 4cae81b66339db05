"""Claiming, and what became of the claimed: every change of a message's status on its way out.

A worker holds a lease named by a token of its own. Each write carries its precondition (status and token), so a worker
that outlived its lease changes nothing that another has taken over.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.utils import translation

from campaigns.lifecycle import FAIL, LOSE, PUT_OFF, RELEASE, ChannelCode, Reason, Status
from campaigns.models import (
    Campaign,
    CampaignVersion,
    Channel,
    Decision,
    DeliveryPolicy,
    MessageIntent,
    TemplateVersion,
)
from campaigns.operations.planning import step_rows
from campaigns.querysets.messages import Claimed
from campaigns.querysets.wire import CONFIRM_AND_START
from campaigns.rules import retry_delay
from config.engine.moves import Move
from members.lifecycle.operations.sweep import active_policy

BATCH = 1_000
# What the address column of a channel is called among a member's identities; in-app needs none.
ADDRESS_KIND: dict[str, str] = {ChannelCode.EMAIL: "email", ChannelCode.SMS: "phone", ChannelCode.IN_APP: ""}
# ASCII without blanks, controls or syntax: what may stand in an SMTP command and a header as it is.
ADDRESS_FORM = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
_LOCK_CLASS = crc32(b"campaigns.deliver") & 0x7FFFFFFF


def claim(*, channel: Channel, worker: str, at: datetime, limit: int = BATCH) -> tuple[int, list[Claimed]]:
    """Claim up to ``limit`` due messages for ``worker``; returns (judged, those to send).

    Rows that may not go are settled at once with the reason. One statement, rows locked by others are skipped, so any
    number of workers may run it. Nothing is judged while sending is stopped.
    """
    return MessageIntent.objects.claim(_parameters(channel, at=at, limit=limit, worker=worker))


def show_in_app(*, at: datetime, limit: int = BATCH) -> tuple[int, int]:
    """Show up to ``limit`` due in-app messages; returns (judged, shown). The row itself is the message."""
    channel = Channel.objects.get(pk=ChannelCode.IN_APP)
    return MessageIntent.objects.show(_parameters(channel, at=at, limit=limit, worker=""))


def confirm_and_start(
    *, worker: str, confirm: tuple[int, str] | None, start: int | None, lease_until: datetime, at: datetime
) -> bool:
    """Write that one message was accepted and that the next goes on the wire, in one durable commit.

    ``confirm`` is (intent, server's reply). Returns whether ``start`` may go: false when it was cancelled, its lease
    was taken over, or sending was stopped. Idempotent for one worker, so it can be repeated after a lost connection.
    """
    connection.ensure_connection()
    # Prepared on the server: this runs once a message and its plan never changes. Errors come as Django's own, by which
    # a caller recognises a database that is away.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            CONFIRM_AND_START,
            {
                "worker": worker,
                "confirm": confirm[0] if confirm else None,
                "reply": confirm[1][:16] if confirm else "",
                "start": start,
                "lease_until": lease_until,
                "at": at,
            },
            prepare=True,
        )
        return start is not None and (start,) in cursor.fetchall()


@transaction.atomic
def put_back(*, worker: str) -> int:
    """Return what the worker has claimed and not put on the wire untouched, to be claimed again at once."""
    return MessageIntent.objects.claimed_by(worker).apply(RELEASE, claimed_by="", lease_until=None)


@transaction.atomic
def put_off(*, worker: str, intent_id: int, counts: bool, reason: Reason, reply: str, at: datetime) -> bool:
    """Try again later: the server refused for now, or broke off before the message was handed over.

    With ``counts`` it is one of the channel's attempts, and the last of them fails it with ``gave_up``.
    """
    row = MessageIntent.objects.named([intent_id]).filter(claimed_by=worker).select_for_update().first()
    if row is None:
        return False
    was_on_wire = row.status == Status.ON_WIRE
    # Going on the wire has been counted already.
    attempts = row.attempts + (1 if counts and not was_on_wire else 0)
    if counts and attempts >= Channel.objects.get(pk=row.channel).max_attempts:
        return _settle(
            FAIL, worker=worker, intent_id=intent_id, reason=Reason.GAVE_UP, reply=reply, at=at, finished_at=at,
            lease_until=None, attempts=attempts,
        )  # fmt: skip
    return _settle(
        PUT_OFF if was_on_wire else RELEASE, worker=worker, intent_id=intent_id, reason=reason, reply=reply, at=at,
        claimed_by="", lease_until=None, on_wire_at=None, attempts=attempts, due_at=at + retry_delay(attempts),
    )  # fmt: skip


def fail(*, worker: str, intent_id: int, reason: Reason, reply: str, at: datetime) -> bool:
    """The server refused for good, or there is nothing to send."""
    return _settle(
        FAIL, worker=worker, intent_id=intent_id, reason=reason, reply=reply, at=at, finished_at=at, lease_until=None
    )


def lose(*, worker: str, intent_id: int, reason: Reason, at: datetime) -> bool:
    """The message was handed over and no answer came: nobody knows, so nobody sends it again."""
    return _settle(
        LOSE, worker=worker, intent_id=intent_id, reason=reason, reply="", at=at, finished_at=at, lease_until=None
    )


def reclaim(*, at: datetime) -> tuple[int, int, int]:
    """Housekeeping: (taken back from dead workers, lost on the wire, expired unsent). Safe to run concurrently."""
    released, lost = MessageIntent.objects.reclaim(at)
    return released, lost, MessageIntent.objects.expire_overdue(at)


@dataclass(frozen=True)
class Look:
    """What would become of a message were it claimed now: the reason against it ('' for none), and its words' facts."""

    reason: str
    template_version_id: int | None
    context: dict[str, Any]


def look(*, intent: MessageIntent, at: datetime) -> Look:
    """Ask the claim's questions about one message without claiming it."""
    channel = Channel.objects.get(pk=intent.channel)
    params = _parameters(channel, at=at, limit=1, worker="") | {"intent": intent.pk}
    reason, template_version_id, context = MessageIntent.objects.look(params) or (Reason.MEMBER_GONE, None, "{}")
    return Look(reason, template_version_id, json.loads(context))


@contextmanager
def delivery_slot(channel: Channel) -> Iterator[bool]:
    """One of the channel's places for a sending worker, held for the block; False when all are taken.

    A session lock: a worker that dies gives it back by dying.
    """
    keys = (_slot_key(channel, n) for n in range(channel.max_workers))
    taken = next((key for key in keys if _try_lock(key)), None)
    try:
        yield taken is not None
    finally:
        # A connection that broke meanwhile took its locks along.
        if taken is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_CLASS, taken])


def _slot_key(channel: Channel, n: int) -> int:
    return (crc32(channel.pk.encode()) & 0x7FFF0000) + n


def lease_end(channel: Channel, at: datetime) -> datetime:
    return at + timedelta(seconds=channel.lease_seconds)


def _try_lock(key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CLASS, key])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def _settle(
    move: Move, *, worker: str, intent_id: int, reason: Reason, reply: str, at: datetime, **changes: Any
) -> bool:
    rows = MessageIntent.objects.named([intent_id]).filter(claimed_by=worker)
    if not rows.apply(move, reason=reason, provider_reply=reply[:16], **changes):
        return False
    Decision.objects.create(
        intent_id=intent_id, at=at, move=move.name, reason=reason, facts={"reply": reply} if reply else {}
    )
    return True


def _parameters(channel: Channel, *, at: datetime, limit: int, worker: str) -> dict[str, Any]:
    campaigns = list(Campaign.objects.running().values_list("pk", flat=True))
    return {
        "channel": channel.pk,
        "campaigns": campaigns,
        "copies": json.dumps(_copies(channel.pk, campaigns)),
        "address_kind": ADDRESS_KIND[channel.pk],
        "address_form": ADDRESS_FORM,
        "languages": [code for code, _name in settings.LANGUAGES],
        "language": settings.LANGUAGE_CODE,
        "zone": settings.PROJECT_TIME_ZONE,
        "brands": json.dumps({code: _brand(code) for code, _name in settings.LANGUAGES}),
        "grace_days": active_policy().grace_days,
        "is_leased": bool(worker),
        "worker": worker,
        "lease_until": lease_end(channel, at),
        "limit": limit,
        "at": at,
    }


def _brand(language: str) -> str:
    """The project's name: the default one is translated, one's own stays as it is."""
    with translation.override(language):
        return translation.gettext(settings.PROJECT_NAME)


def _copies(channel: str, campaigns: list[int]) -> list[dict[str, Any]]:
    """Which template version each step of each of the campaigns uses in each language."""
    of_channel = TemplateVersion.objects.filter(template__channel=channel).order_by("number")
    # The last of the same code and language stays.
    versions = {
        (code, language): pk for code, language, pk in of_channel.values_list("template__code", "language", "pk")
    }
    rows = []
    # Enrolled members keep the version they entered with.
    for published in CampaignVersion.objects.filter(campaign__in=campaigns):
        for step in step_rows(published):
            for language, _name in settings.LANGUAGES:
                found = versions.get((step["template"], language)) or versions.get(
                    (step["template"], settings.LANGUAGE_CODE)
                )
                if step["channel"] == channel and found:
                    rows.append(
                        {
                            "version_id": published.pk,
                            "step_key": step["step_key"],
                            "language": language,
                            "template_version_id": found,
                        }
                    )
    return rows


def is_sending_stopped() -> bool:
    return DeliveryPolicy.objects.filter(is_sending_stopped=True).exists()


def installation() -> str:
    """What tells this database's Message-IDs from another's."""
    return DeliveryPolicy.objects.values_list("installation", flat=True).get().hex[:12]
