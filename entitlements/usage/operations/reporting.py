"""Benefits used up by events of the catalogue."""

from datetime import datetime

from django.db import IntegrityError, transaction

from config.engine.stays import horizon
from entitlements.benefits.models import Benefit
from entitlements.grants.models import FactCursor
from entitlements.grants.operations.settling import settle_members
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.consuming import consume
from entitlements.usage.querysets.events import end_of_batch, left_over, use_fitting

READER = "uses"
# Events in one statement: it holds its balances as long as it takes.
BATCH = 5_000


def use_reported(*, at: datetime) -> int:
    """Use benefits as the events since the last reading say; returns how many records that made.

    Each event counts once, by its source and message: killed anywhere, or run twice at once, the next run does the
    rest. An event marked later counts from then on; a long transaction anywhere delays the events behind it.
    """
    FactCursor.objects.get_or_create(reader=READER, defaults={"after": horizon()})
    total = 0
    while True:
        after, end = FactCursor.objects.get(reader=READER).after, horizon()
        if end <= after:
            return total
        benefits = list(Benefit.objects.used_by_events())
        definitions = [benefit.consumed_by_id for benefit in benefits]
        upto = end_of_batch(after=after, horizon=end, definition_ids=definitions, limit=BATCH) if benefits else end
        try:
            total += sum(_use(benefit, after, upto, at) for benefit in benefits)
        except IntegrityError:
            # Another run is at the same events.
            return total
        # Whoever was quicker has moved it as far.
        FactCursor.objects.filter(reader=READER, after=after).update(after=upto)
        if upto >= end:
            return total


def _use(benefit: Benefit, after: int, upto: int, at: datetime) -> int:
    params = {
        "benefit": benefit.pk, "definition": benefit.consumed_by_id, "property": benefit.amount_property,
        "after": after, "upto": upto, "at": at,
    }  # fmt: skip
    with transaction.atomic():
        used, unlocking = use_fitting(params)
    if unlocking:
        settle_members(member_ids=unlocking, at=at)
    rest = left_over(params)
    for use in rest:
        consume(
            member_id=use.member_id, benefit=benefit, amount=use.amount, at=at, origin=UsageRecord.Origin.EVENT,
            key=use.key, used_at=use.used_at,
        )  # fmt: skip
    return used + len(rest)
