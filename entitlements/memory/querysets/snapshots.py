from datetime import datetime, timedelta

from django.db import models


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

    def behind(self, snapshot_id: int) -> "SnapshotQuerySet":
        """Older rows than that one in a list, newest first; 0 is the beginning."""
        rows = self.order_by("-pk")
        return rows.filter(pk__lt=snapshot_id) if snapshot_id else rows
