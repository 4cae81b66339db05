from datetime import datetime

from django.db import models
from django.db.models import Q


class BenefitQuerySet(models.QuerySet):
    def current(self) -> "BenefitQuerySet":
        return self.filter(is_archived=False)


class LadderQuerySet(models.QuerySet):
    def coming(self) -> "LadderQuerySet":
        """The one version that is being written, looked at or waiting for its day."""
        return self.filter(status__in=["draft", "submitted", "scheduled"])

    def to_activate(self, at: datetime) -> "LadderQuerySet":
        return self.filter(status="scheduled").filter(Q(starts_at__isnull=True) | Q(starts_at__lte=at))
