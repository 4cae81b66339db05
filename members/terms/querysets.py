from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q

# As the fields for it allow.
LONGEST_GRACE_DAYS = 3


class TermQuerySet(models.QuerySet):
    def not_voided(self) -> "TermQuerySet":
        return self.filter(voided_at__isnull=True)

    def orders(self) -> "TermQuerySet":
        """Of each order the first row, which says what was paid and what went back."""
        return self.filter(origin__isnull=True)

    def covering(self, at: datetime) -> "TermQuerySet":
        """Terms that give cover at ``at``."""
        return self.filter(period__contains=at)

    def upcoming(self, at: datetime) -> "TermQuerySet":
        """Terms that start after ``at`` and were neither voided nor refunded before they began."""
        return self.filter(starts_at__gt=at, period__isempty=False)

    def ended(self, at: datetime) -> "TermQuerySet":
        """Terms with some cover, all of it before ``at``; a refund counts from its closing."""
        return self.filter(period__fully_lt=(at, None), period__isempty=False)

    def last_begun(self, at: datetime) -> "TermQuerySet":
        """Of each member the running term, else the last."""
        begun = self.not_voided().filter(starts_at__lte=at)
        return begun.order_by("member_id", "-starts_at").distinct("member_id")

    def lately_over(self, at: datetime) -> "TermQuerySet":
        """Terms that ended within the longest grace before ``at``, give or take a shift of the clock."""
        return self.filter(ends_at__lte=at, ends_at__gt=at - timedelta(days=LONGEST_GRACE_DAYS, hours=2))

    def say_changed(self) -> int:
        """Write the terms down as changed, for the readers of their log: what they mean has changed."""
        return self.update(ends_at=F("ends_at"))

    def paid(self) -> "TermQuerySet":
        return self.filter(kind="paid")

    def unrefunded(self) -> "TermQuerySet":
        return self.filter(refunded_at__isnull=True, voided_at__isnull=True)

    def open_or_upcoming(self, at: datetime) -> "TermQuerySet":
        """Terms that still have cover left at ``at``, in order."""
        return (
            self.filter(ends_at__gt=at)
            .filter(Q(closed_at__isnull=True) | Q(closed_at__gt=at))
            .exclude(closed_at__lte=F("starts_at"))
            .order_by("starts_at")
        )
