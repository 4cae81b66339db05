from datetime import datetime

from django.db import models


class LockQuerySet(models.QuerySet):
    def in_force(self) -> "LockQuerySet":
        """Locks nobody released."""
        return self.filter(released_at__isnull=True)

    def waiting(self, at: datetime) -> "LockQuerySet":
        """Locks whose renewal may still be booked at ``at``."""
        return self.in_force().filter(until__gt=at)
