"""The figures of all benefits counted anew: how far each reaches now, and how much it was used month by month."""

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from entitlements.insight.models import BenefitReach, FiguresRun
from entitlements.insight.querysets import counting as sql

# How old the figures may grow before they are counted anew.
EVERY = timedelta(hours=1)
LATELY = timedelta(days=30)
# A record's transaction may end after the count that its instant lies before; what is this old is counted again.
LATE_COMMITS = timedelta(hours=1)
_LOCK = 0x62656E66


def count_due(*, at: datetime) -> FiguresRun | None:
    """Count when the last count is an hour old or there was none; returns the run, None when nothing was due.

    Asked often, so that what was missed while nothing ran is made up for at once. Idle it reads one index.
    """
    if FiguresRun.objects.filter(at__gt=at - EVERY).exists():
        return None
    return count_figures(at=at)


@transaction.atomic
def count_figures(*, at: datetime) -> FiguresRun | None:
    """Count everything that changed since the last time; returns the run, None while another process counts."""
    began = monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return None
        last = FiguresRun.objects.order_by("-at").first()
        since = last.at - LATE_COMMITS if last else datetime(1970, 1, 1, tzinfo=UTC)
        values: dict[str, Any] = {
            "at": at, "since": since, "lately": at - LATELY, "zone": settings.PROJECT_TIME_ZONE,
        }  # fmt: skip
        BenefitReach.objects.all().delete()
        for statement in (sql.REACH, sql.ENTITLED_NOW, sql.MONTHS):
            cursor.execute(statement, values)
    return FiguresRun.objects.create(at=at, took_ms=round(1_000 * (monotonic() - began)))
