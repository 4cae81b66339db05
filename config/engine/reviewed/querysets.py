from datetime import datetime

from config.engine.moves import MovingQuerySet
from config.engine.reviewed.lifecycle import COMING, Status


class ReviewedQuerySet(MovingQuerySet):
    def in_force(self) -> "ReviewedQuerySet":
        return self.filter(status=Status.ACTIVE)

    def waiting(self) -> "ReviewedQuerySet":
        """Versions somebody has to decide about."""
        return self.filter(status=Status.SUBMITTED)

    def coming(self) -> "ReviewedQuerySet":
        """Versions that are being written, looked at or waiting for their day."""
        return self.filter(status__in=COMING)

    def to_activate(self, at: datetime) -> "ReviewedQuerySet":
        """Approved versions whose day has come."""
        return self.filter(status=Status.SCHEDULED, starts_at__lte=at)

    def self_approved(self, since: datetime) -> "ReviewedQuerySet":
        """Versions that one of their authors approved, being the only approver there was."""
        return self.filter(approved_at__gte=since).exclude(self_approval_reason="")

    def with_people(self) -> "ReviewedQuerySet":
        return self.select_related("created_by", "submitted_by", "approved_by")
