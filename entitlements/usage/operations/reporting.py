"""Benefits used up by events of the catalogue."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from config.engine.stays import horizon
from entitlements.benefits.models import Benefit
from entitlements.grants.models import FactCursor
from entitlements.grants.operations.settling import settle_members
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.consuming import consume
from entitlements.usage.querysets.events import COME, NEW, end_of_batch, left_over, use_fitting

READER = "uses"
# How far those have been used that were dated ahead, in Unix microseconds.
AHEAD = "uses_ahead"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Events in one statement: it holds its balances as long as it takes.
BATCH = 5_000


def use_reported(*, at: datetime) -> int:
    """Use benefits as the events since the last reading say; returns how many records that made.

    Each event counts once, by its source and message, and in the usage period in which it happened: killed anywhere, or
    run twice at once, the next run does the rest. One dated ahead counts when its time has come. An event marked later
    counts from then on; a long transaction anywhere delays the events behind it.
    """
    FactCursor.objects.get_or_create(reader=READER, defaults={"after": horizon()})
    FactCursor.objects.get_or_create(reader=AHEAD, defaults={"after": _microseconds(at)})
    total = _use_come(at)
    while True:
        after, end = FactCursor.objects.get(reader=READER).after, horizon()
        if end <= after:
            return total
        benefits = list(Benefit.objects.used_by_events())
        definitions = [benefit.consumed_by_id for benefit in benefits]
        upto = end_of_batch(after=after, horizon=end, definition_ids=definitions, limit=BATCH) if benefits else end
        try:
            total += sum(_use(benefit, NEW, at, after=after, upto=upto) for benefit in benefits)
        except IntegrityError:
            # Another run is at the same events.
            return total
        # Whoever was quicker has moved it as far.
        FactCursor.objects.filter(reader=READER, after=after).update(after=upto)
        if upto >= end:
            return total


def _use_come(at: datetime) -> int:
    """Use what was dated ahead and is due by ``at``."""
    after, upto = FactCursor.objects.get(reader=AHEAD).after, _microseconds(at)
    since = _EPOCH + timedelta(microseconds=after)
    try:
        used = sum(_use(benefit, COME, at, since=since) for benefit in Benefit.objects.used_by_events())
    except IntegrityError:
        return 0
    FactCursor.objects.filter(reader=AHEAD, after__lt=upto).update(after=upto)
    return used


def _use(benefit: Benefit, which: str, at: datetime, **span: Any) -> int:
    params = {
        "benefit": benefit.pk, "definition": benefit.consumed_by_id, "property": benefit.amount_property, "at": at,
    } | span  # fmt: skip
    with transaction.atomic():
        used, unlocking = use_fitting(which, params)
    if unlocking:
        settle_members(member_ids=unlocking, at=at)
    rest = left_over(which, params)
    for use in rest:
        # What came while this run was under way may have happened after ``at``.
        consume(
            member_id=use.member_id, benefit=benefit, amount=use.amount, at=max(at, use.used_at),
            origin=UsageRecord.Origin.EVENT, key=use.key, used_at=use.used_at,
        )  # fmt: skip
    return used + len(rest)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
