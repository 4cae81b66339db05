from datetime import datetime

from django.db import models
from django.db.models import Q

# What the settling engine gives and takes; all other grants are given by somebody.
BY_ENGINE = ("term", "grace", "tier", "free")


class GrantQuerySet(models.QuerySet):
    def open(self, at: datetime) -> "GrantQuerySet":
        """Grants in force at ``at``."""
        return self.filter(effective_at__lte=at).not_over(at)

    def not_over(self, at: datetime) -> "GrantQuerySet":
        """Grants in force at ``at`` or later."""
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at)).filter(
            Q(voided_at__isnull=True) | Q(voided_at__gt=at)
        )

    def given(self) -> "GrantQuerySet":
        """Grants that somebody gave, beside what the ladder gives."""
        return self.exclude(source__in=BY_ENGINE)
