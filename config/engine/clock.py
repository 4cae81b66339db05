"""The one place that reads the clock. Rules and operations take the instant as an argument."""

from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """The current aware UTC instant, moved by the project's shifted clock when one is set."""
    return timezone.now() + timedelta(seconds=settings.CLOCK_OFFSET_SECONDS)


def midnight(day: date) -> datetime:
    """The first instant of the viewer's local ``day``."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())
