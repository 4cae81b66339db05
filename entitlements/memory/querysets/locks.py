from datetime import datetime, timedelta

from django.db import models
from django.db.models import DurationField, F, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Least

from members.terms.models import MembershipTerm


class LockQuerySet(models.QuerySet):
    def in_force(self) -> "LockQuerySet":
        """Locks nobody released."""
        return self.filter(released_at__isnull=True)

    def waiting(self, at: datetime) -> "LockQuerySet":
        """Locks whose renewal may still be booked at ``at``; time given or added behind the term puts it off."""
        behind = MembershipTerm.objects.filter(
            member=OuterRef("member"), kind__in=["gift", "compensation"], starts_at__gte=OuterRef("term__ends_at"),
            voided_at__isnull=True,
        )  # fmt: skip
        lasted = Sum(Least("ends_at", Coalesce("closed_at", "ends_at")) - F("starts_at"))
        added = behind.order_by().values("member").annotate(time=lasted)
        nothing = Value(timedelta(0), output_field=DurationField())
        put_off = Coalesce(Subquery(added.values("time"), output_field=DurationField()), nothing)
        return self.in_force().annotate(put_off=put_off).filter(until__gt=Value(at) - F("put_off"))
