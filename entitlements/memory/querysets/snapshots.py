from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from members.people.querysets.people import Cursor


class SnapshotQuerySet(models.QuerySet):
    def pending(self) -> "SnapshotQuerySet":
        """Of members who have not returned."""
        return self.filter(outcome="pending")

    def young_enough(self, at: datetime, days: int | None) -> "SnapshotQuerySet":
        """Lost at most ``days`` days before ``at``; without ``days`` all of them."""
        return self if days is None else self.filter(taken_at__gte=at - timedelta(days=days))

    def too_old(self, at: datetime, days: int) -> "SnapshotQuerySet":
        """Lost more than ``days`` days before ``at``."""
        return self.filter(taken_at__lt=at - timedelta(days=days))

    def behind(self, cursor: Cursor | None) -> "SnapshotQuerySet":
        """The latest lost first, from behind the cursor on."""
        rows = self.order_by("-taken_at", "-pk")
        if cursor is None:
            return rows
        return rows.filter(Q(taken_at__lt=cursor.value) | Q(taken_at=cursor.value, pk__lt=cursor.pk))
