"""Who stands in which tier: the members' effective tiers, and who changed, as a log."""

from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import Case, CharField, F, Q, Value, When
from django.db.models.functions import Coalesce

from config.engine.stays import horizon


class XidField(models.Field):
    """A transaction id of PostgreSQL (``xid8``)."""

    def db_type(self, connection: Any) -> str:
        return "xid8"


_COUNTS = """
SELECT l.tier_id, s.tier_id, s.via, count(*)
FROM members_memberlifecycle l
LEFT JOIN entitlements_tierstanding s ON s.member_id = l.member_id AND s.tier_id IS NOT NULL
  AND (s.until IS NULL OR s.until > %s)
GROUP BY 1, 2, 3"""


class StandingQuerySet(models.QuerySet):
    def counts(self, at: datetime) -> list[tuple[int | None, int | None, str | None, int]]:
        """How many members bought one tier (or none) and stand in another: (bought, standing, via, members)."""
        with connection.cursor() as cursor:
            cursor.execute(_COUNTS, [at])
            return cursor.fetchall()

    def downgrading_until(self, until: datetime) -> "StandingQuerySet":
        """Members of whom it is known that they will be downgraded by ``until``."""
        return self.filter(will_downgrade_at__isnull=False, will_downgrade_at__lte=until)

    def changed_since(self, after: int) -> tuple[list[int], int]:
        """The members whose tier changed from the cursor ``after`` on, and the cursor for the next call.

        As ``StayTable.changes``: 0 for all of history, ``horizon()`` for what comes; several readers each keep their
        own. Read cursor and members in one transaction with what you do about them.
        """
        with connection.cursor() as cursor:
            # Taken first: what commits between the two statements is seen by the next call.
            upto = horizon()
            cursor.execute(
                "SELECT member_id FROM entitlements_tierstanding WHERE changed_xid >= %s::text::xid8"
                " AND changed_xid < %s::text::xid8 ORDER BY changed_xid, member_id",
                [after, upto],
            )
            return [pk for (pk,) in cursor.fetchall()], upto


class ManualTierQuerySet(models.QuerySet):
    def running(self, at: datetime) -> "ManualTierQuerySet":
        """Given, not taken back, and not run out at ``at``."""
        return self.filter(live(at), since__lte=at, ended_at__isnull=True)


def live(at: datetime, prefix: str = "") -> Q:
    """What ``prefix`` leads to has not run out at ``at``."""
    return Q(**{f"{prefix}until__isnull": True}) | Q(**{f"{prefix}until__gt": at})


def is_higher(at: datetime) -> Q:
    """On the Member queryset: the qualified or manual tier stands above the tier of the term."""
    above = Q(tier_standing__tier__position__gt=Coalesce(F("lifecycle__tier__position"), Value(-1)))
    return Q(tier_standing__tier__isnull=False) & live(at, "tier_standing__") & above


def effective_tier(at: datetime) -> Case:
    """The key of a member's effective tier, on the Member queryset; null for none."""
    return Case(When(is_higher(at), then=F("tier_standing__tier_id")), default=F("lifecycle__tier_id"))


def source_of_tier(at: datetime) -> Case:
    """Where the effective tier comes from: ``plan``, ``qualified``, ``manual``, or nothing."""
    return Case(
        When(is_higher(at), then=F("tier_standing__via")),
        When(lifecycle__tier__isnull=False, then=Value("plan")),
        default=Value(""),
        output_field=CharField(),
    )
