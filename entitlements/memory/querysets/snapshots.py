from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import CharField, F, Func, IntegerField, Q, Value
from django.db.models.functions import Coalesce, NullIf

from members.people.querysets.people import Cursor


class _LocalDate(Func):
    """The date of an instant by the clock of a zone; two of them subtract to days."""

    template = "((%(expressions)s)::date)"
    arg_joiner = " AT TIME ZONE "
    output_field = IntegerField()


class SnapshotQuerySet(models.QuerySet):
    def pending(self) -> "SnapshotQuerySet":
        """Of members who have not returned."""
        return self.filter(outcome="pending")

    def young_enough(self, at: datetime, days: int | None) -> "SnapshotQuerySet":
        """Lost less than ``days`` of the member's local days before ``at``; without ``days`` all of them."""
        return self if days is None else self._with_age(at).filter(age_days__lt=days)

    def too_old(self, at: datetime, days: int) -> "SnapshotQuerySet":
        """Lost so many of the member's local days before ``at``, or more."""
        return self._with_age(at).filter(age_days__gte=days)

    def _with_age(self, at: datetime) -> "SnapshotQuerySet":
        own = NullIf("member__lifecycle__time_zone", Value(""))
        zone = Coalesce(own, Value(settings.PROJECT_TIME_ZONE), output_field=CharField())
        return self.annotate(age_days=_LocalDate(Value(at), zone) - _LocalDate(F("taken_at"), zone))

    def behind(self, cursor: Cursor | None) -> "SnapshotQuerySet":
        """The latest lost first, from behind the cursor on."""
        rows = self.order_by("-taken_at", "-pk")
        if cursor is None:
            return rows
        return rows.filter(Q(taken_at__lt=cursor.value) | Q(taken_at=cursor.value, pk__lt=cursor.pk))
