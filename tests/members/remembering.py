"""What lifecycle rows remember of active days, held against the days."""

from django.db.models import F, Q

from members.lifecycle.models import MemberLifecycle


def assert_remembered_days_are_there() -> None:
    """Every remembered day is a row, first active no later than remembered: events may go by it unlooked."""
    remembered = MemberLifecycle.objects.filter(active_on__isnull=False)
    there = Q(member__active_days__local_on=F("active_on"), member__active_days__first_at__lte=F("active_since"))
    assert remembered.filter(there).count() == remembered.count()
