"""Members' benefits brought in line with their terms, the ladder and the clock.

One engine for all: a term that starts, ends or is refunded, the grace, a change of the ladder, a new usage period.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from config.engine.stays import horizon
from entitlements.benefits.models import Benefit, LadderVersion
from entitlements.grants.models import FactCursor
from entitlements.grants.querysets import settling as sql
from entitlements.grants.querysets.facts import OUTDATED
from entitlements.memory.operations.recalling import recall, remember
from members.lifecycle.operations.sweep import active_policy

# Members settled in one transaction: row locks are held as long as that takes.
BATCH = 20_000
# The members nobody looked at yet are looked for seldom: that reads everybody.
ADOPTED_AT_ONCE = 100_000


def settle_due(*, at: datetime) -> int:
    """Settle everybody whose benefits may have changed by ``at``; returns how many were looked at.

    Safe to run concurrently: rows are claimed with ``SKIP LOCKED``. Killed half-way, each batch is whole or not there.
    """
    read_facts(at=at)
    total = 0
    while True:
        with transaction.atomic():
            done = _settle(sql.CLAIM_DUE, at, limit=BATCH)
        total += done
        if done < BATCH:
            return total


@transaction.atomic
def settle_members(*, member_ids: Sequence[int], at: datetime) -> None:
    """Settle a few members now, due or not; one who is being settled is waited for."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ENROL_NAMED, {"members": list(member_ids)})
        cursor.execute(sql.LOCK_NAMED, {"members": list(member_ids)})
    _settle(sql.CLAIM_NAMED, at, members=list(member_ids))


def settle_outdated(*, member_ids: Sequence[int], at: datetime) -> bool:
    """Settle those of some members of whom something is due or whose terms or tier changed since; whether any were."""
    with connection.cursor() as cursor:
        cursor.execute(OUTDATED, {"members": list(member_ids), "at": at})
        outdated = [row[0] for row in cursor.fetchall()]
    if outdated:
        settle_members(member_ids=outdated, at=at)
    return bool(outdated)


def read_facts(*, at: datetime) -> None:
    """Mark whose terms or tiers changed since the last reading; a long transaction delays the rows behind it.

    What somebody else is reading is left to them: after a large import that takes many ticks, and a worker that waited
    for it would be missing elsewhere.
    """
    for reader, note in sql.NOTES.items():
        FactCursor.objects.get_or_create(reader=reader)
        with transaction.atomic():
            position = FactCursor.objects.select_for_update(skip_locked=True).filter(reader=reader).first()
            if position is None:
                continue
            upto = horizon()
            with connection.cursor() as cursor:
                cursor.execute(note, {"after": position.after, "upto": upto, "at": at})
            FactCursor.objects.filter(pk=reader, after__lt=upto).update(after=upto)


def adopt_members(*, at: datetime) -> int:
    """Make members due whom nobody has looked at yet; returns how many. Reads everybody: not for every tick."""
    with connection.cursor() as cursor:
        cursor.execute(sql.ADOPT, {"at": at, "limit": ADOPTED_AT_ONCE})
        return int(cursor.rowcount)


def _settle(claim: str, at: datetime, **params: Any) -> int:
    ladder = LadderVersion.objects.get(status=LadderVersion.Status.ACTIVE)
    values = {
        "at": at, "zone": settings.PROJECT_TIME_ZONE, "grace_days": active_policy().grace_days, "ladder": ladder.pk,
        "rollovers": list(Benefit.objects.carrying_over().values_list("pk", flat=True)),
        "soft": list(Benefit.objects.going_on().values_list("pk", flat=True)), **params,
    }  # fmt: skip
    with connection.cursor() as cursor:
        # Twice in one transaction the tables are there from the first time.
        cursor.execute("DROP TABLE IF EXISTS pg_temp.settling, pg_temp.wanted")
        cursor.execute(sql.MAKE_TABLE)
        cursor.execute(sql.FIND_SOURCES.format(claim=claim), values)
        claimed = int(cursor.rowcount)
        if claimed:
            # How many they are decides the plans, which a tenth of the usual sample tells as well.
            cursor.execute("SET LOCAL default_statistics_target = 10")
            cursor.execute("ANALYZE settling")
            cursor.execute(sql.ALLOCATE, values)
            remember(cursor, at=at, ladder_id=ladder.pk)
            cursor.execute(sql.MAKE_WANTED, values)
            cursor.execute("ANALYZE wanted")
            cursor.execute(sql.VOID, values)
            cursor.execute(sql.CLOSE, values)
            _give(cursor, values)
            recall(cursor, at=at)
            if values["rollovers"]:
                cursor.execute(sql.CARRY_OVER, values)
            if values["soft"]:
                cursor.execute(sql.COVER_OVERAGE, values)
            cursor.execute(sql.BALANCE, values)
            cursor.execute(sql.RATE.format(members="SELECT member_id FROM settling"))
            cursor.execute(sql.FINISH, values)
    return claimed


def _give(cursor: Any, values: dict[str, Any]) -> None:
    """Write the grants that are wanted and not there. To look for each at the last moment costs a third more."""
    try:
        with transaction.atomic():
            cursor.execute(sql.GIVE, values)
    except IntegrityError:
        # A merge brought one along since the statement began.
        cursor.execute(sql.GIVE_THE_REST, values)
