"""The members' usage rate, kept current as they use what they have."""

from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from entitlements.grants.models import FactCursor
from entitlements.grants.querysets.settling import RATE

READER = "usage_rates"
# A record is committed at most so long after the moment it carries.
OVERLAP = timedelta(minutes=1)

_USED_LATELY = "SELECT DISTINCT member_id FROM entitlements_usagerecord WHERE recorded_at >= %(since)s"
_EVERYBODY = "SELECT member_id FROM entitlements_standing"


@transaction.atomic
def refresh_rates(*, at: datetime) -> int:
    """Recompute the rate of whoever used something since the last time; returns how many rates changed."""
    FactCursor.objects.get_or_create(reader=READER)
    position = FactCursor.objects.select_for_update().get(reader=READER)
    since = datetime.fromtimestamp(position.after, UTC) - OVERLAP
    changed = _recompute(_USED_LATELY, {"since": since})
    FactCursor.objects.filter(pk=READER, after__lt=int(at.timestamp())).update(after=int(at.timestamp()))
    return changed


def recompute_rates() -> int:
    """Recompute everybody's rate; returns how many changed."""
    return _recompute(_EVERYBODY, {})


def _recompute(members: str, params: dict[str, datetime]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(RATE.format(members=members), params)
        return int(cursor.rowcount)
