"""``members.people.rules.last_day`` for statements over many members, as SQL and as an expression."""

from datetime import timedelta

from django.db.models import DateField, DateTimeField, ExpressionWrapper, Func, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast


def last_day_sql(end: str, zone: str) -> str:
    """The last local day of what ends at ``end``, both SQL: the date of the instant before."""
    return f"(({end} - interval '1 microsecond') AT TIME ZONE {zone})::date"


def instant_before(end: Combinable) -> ExpressionWrapper:
    """The last instant of what ends at ``end``."""
    return ExpressionWrapper(end - Value(timedelta.resolution), output_field=DateTimeField())


def last_day(end: Combinable, zone: Combinable) -> Cast:
    """The last local day of what ends at ``end``, as an expression."""
    local = Func(zone, instant_before(end), function="timezone", output_field=DateTimeField())
    return Cast(local, DateField())
