"""Pairs of likely duplicates: kept, listed, dismissed; and the merges that came of them."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models import Q

from members.merging.rules import STRONGEST, WEIGHTS

_WEIGHTS = ", ".join(f"('{reason}', {weight})" for reason, weight in WEIGHTS.items())


def _strength(reasons: str) -> str:
    return (
        f"(SELECT least({STRONGEST}, sum(w.weight)) FROM (VALUES {_WEIGHTS}) AS w (reason, weight) "
        f"WHERE w.reason = ANY({reasons}))"
    )


# Rows of <found> are (member_id, other_id, reason). A dismissed pair comes back for a reason it did not have.
KEEP = f"""
INSERT INTO members_duplicatepair AS p (member_a_id, member_b_id, reasons, strength, found_at)
SELECT f.a, f.b, f.reasons, {_strength("f.reasons")}, %(at)s FROM (
  SELECT least(member_id, other_id) AS a, greatest(member_id, other_id) AS b,
    array_agg(DISTINCT reason::varchar(16) ORDER BY reason::varchar(16)) AS reasons
  FROM (<found>) AS found WHERE member_id <> other_id GROUP BY 1, 2 ORDER BY 1, 2
) f
ON CONFLICT (member_a_id, member_b_id) DO UPDATE SET
  reasons = ARRAY(SELECT DISTINCT r FROM unnest(p.reasons || excluded.reasons) r ORDER BY r),
  strength = {_strength("p.reasons || excluded.reasons")},
  found_at = excluded.found_at, dismissed_at = NULL, dismissed_by_id = NULL
WHERE NOT p.reasons @> excluded.reasons
RETURNING 1"""


def keep_pairs(*, found: str, params: dict[str, Any]) -> int:
    """Keep the pairs the SQL ``found`` yields; returns how many are new or have a reason they did not have."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP.replace("<found>", found), params)
        return len(cursor.fetchall())


class DuplicatePairQuerySet(models.QuerySet):
    def standing(self) -> "DuplicatePairQuerySet":
        """Pairs of two members who are both still there."""
        return self.filter(
            member_a__created_at__isnull=False, member_a__merged_into__isnull=True,
            member_b__created_at__isnull=False, member_b__merged_into__isnull=True,
        )  # fmt: skip

    def open(self) -> "DuplicatePairQuerySet":
        """Pairs nobody has decided about."""
        return self.standing().filter(dismissed_at__isnull=True, merge__isnull=True)

    def dismissed(self) -> "DuplicatePairQuerySet":
        return self.standing().filter(dismissed_at__isnull=False, merge__isnull=True)

    def because_of(self, reason: str) -> "DuplicatePairQuerySet":
        return self.filter(reasons__contains=[reason])

    def of(self, member_id: int) -> "DuplicatePairQuerySet":
        return self.filter(Q(member_a=member_id) | Q(member_b=member_id))

    def strongest_first(self) -> "DuplicatePairQuerySet":
        return self.order_by("-strength", "-pk")

    def behind(self, strength: int, pk: int) -> "DuplicatePairQuerySet":
        """What follows this place in ``strongest_first``."""
        return self.filter(Q(strength__lt=strength) | Q(strength=strength, pk__lt=pk))

    def ahead(self, strength: int, pk: int) -> "DuplicatePairQuerySet":
        """What comes before this place, the nearest first."""
        return self.filter(Q(strength__gt=strength) | Q(strength=strength, pk__gt=pk)).order_by("strength", "pk")


class MergeRecordQuerySet(models.QuerySet):
    def in_force(self) -> "MergeRecordQuerySet":
        return self.filter(undone_at__isnull=True)

    def with_surplus(self) -> "MergeRecordQuerySet":
        """Undone merges of which something could not go back that nobody has seen to."""
        return self.filter(undone_at__isnull=False, kept__has_key="surplus", checked_at__isnull=True)

    def since(self, at: datetime, ago: timedelta) -> "MergeRecordQuerySet":
        return self.filter(merged_at__gt=at - ago)
