from datetime import datetime
from typing import Any

from django.db import connection, models

from campaigns.querysets.exits import FINISH, cancel_sql
from campaigns.querysets.planning import plan_sql
from config.engine.moves import MovingQuerySet


class CampaignQuerySet(MovingQuerySet):
    def running(self) -> "CampaignQuerySet":
        return self.filter(status="running").select_related("current_version")


class EnrollmentQuerySet(models.QuerySet):
    def running(self) -> "EnrollmentQuerySet":
        return self.filter(exited_at__isnull=True)

    def plan(self, trigger: str, params: dict[str, Any]) -> tuple[int, int, int]:
        """Enroll whoever a trigger of the kind ``trigger`` brings in and plan their messages, in one statement.

        Returns (members enrolled anew, messages revived, messages moved). Safe to run concurrently: an enrollment is
        unique.
        """
        with connection.cursor() as cursor:
            cursor.execute(plan_sql(trigger), params)
            enrolled, revived, moved = cursor.fetchone()
        return enrolled, revived, moved

    def cancel(self, *, at: datetime, member_id: int | None = None) -> list[tuple[str, int]]:
        """End the enrollments whose trigger no longer holds and suppress what they had pending.

        Of one member, else of everybody. Returns (exit reason, enrollments) pairs. Idempotent, safe to run
        concurrently.
        """
        with connection.cursor() as cursor:
            cursor.execute(cancel_sql(of_member=member_id is not None), {"at": at, "member": member_id})
            return cursor.fetchall()

    def finish(self, *, at: datetime) -> int:
        """Close the enrollments that went through every step."""
        with connection.cursor() as cursor:
            cursor.execute(FINISH, {"at": at})
            return cursor.rowcount
