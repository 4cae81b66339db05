from datetime import date

from django.db import models
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

OUTCOMES = ("accepted", "duplicate", "rejected", "parked")


class IngestDayQuerySet(models.QuerySet):
    def by_day(self) -> "IngestDayQuerySet":
        """One dict a date with what became of its messages, by outcome; the latest date first."""
        return self.values("local_on").annotate(**{name: Sum(name) for name in OUTCOMES}).order_by("-local_on")


class SourceQuerySet(models.QuerySet):
    def with_volume(self, since_on: date) -> "SourceQuerySet":
        """Adds what became of the messages since a date of the project's, by outcome."""
        recent = Q(ingest_days__local_on__gte=since_on)
        return self.annotate(**{name: Coalesce(Sum(f"ingest_days__{name}", filter=recent), 0) for name in OUTCOMES})
