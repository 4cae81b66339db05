"""Who moved from tier to tier: the log of earned and given tiers, and the one definition of having moved lately."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Count, Q

# Every page that says how many moved looks back so far.
MOVED_DAYS = 30


class TierChangeQuerySet(models.QuerySet):
    def within(self, days: int, at: datetime) -> "TierChangeQuerySet":
        """The moves of the last days before ``at``."""
        return self.filter(at__gt=at - timedelta(days=days), at__lte=at)

    def counts(self, at: datetime) -> dict[str, int]:
        """How many moves went ``up`` and ``down`` in the last ``MOVED_DAYS``."""
        moved = self.within(MOVED_DAYS, at).order_by()
        return moved.aggregate(up=Count("pk", filter=Q(is_up=True)), down=Count("pk", filter=Q(is_up=False)))

    def ups_by_tier(self, at: datetime) -> dict[int, int]:
        """How many of those moves up led to each tier; together they are all of them."""
        ups = self.within(MOVED_DAYS, at).filter(is_up=True).order_by()
        return dict(ups.values_list("to_tier_id").annotate(n=Count("pk")))
