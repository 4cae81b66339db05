"""Questions about advisers, and the statement that spreads members over them."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import connection, models

# Whoever has a benefit that gives an adviser, as her benefits were last settled.
ENTITLED = """
SELECT DISTINCT b.member_id FROM entitlements_balance b
JOIN entitlements_adornment o ON o.benefit_id = b.benefit_id AND o.form = 'adviser'
JOIN entitlements_benefit e ON e.id = b.benefit_id AND NOT e.is_archived
WHERE b.is_open"""

_WAITING = f"""
SELECT n.member_id FROM ({ENTITLED}) n
WHERE NOT EXISTS (
  SELECT FROM entitlements_adviserassignment a JOIN staff_user u ON u.id = a.adviser_id AND u.is_active
  WHERE a.member_id = n.member_id AND a.ended_at IS NULL
)"""

# Each adviser offers the places above what she has already, level by level up to where all would be even: those who
# wait take the lowest ones.
_SPREAD = f"""
WITH waiting AS MATERIALIZED (
  SELECT w.member_id, row_number() OVER (ORDER BY w.member_id) AS n FROM ({_WAITING}) w
),
loads AS MATERIALIZED (
  SELECT u.id, (
    SELECT count(*) FROM entitlements_adviserassignment a JOIN ({ENTITLED}) n ON n.member_id = a.member_id
    WHERE a.adviser_id = u.id AND a.ended_at IS NULL
  ) AS load
  FROM unnest(%(advisers)s::bigint[]) AS u (id)
),
places AS (
  SELECT p.id, row_number() OVER (ORDER BY p.level, p.id) AS n
  FROM (
    SELECT l.id, generate_series(l.load + 1, (
      SELECT ceil((sum(o.load) + (SELECT count(*) FROM waiting)) / count(*))::bigint FROM loads o
    )) AS level
    FROM loads l
  ) p
)
INSERT INTO entitlements_adviserassignment (member_id, adviser_id, assigned_at, assigned_by_id)
SELECT w.member_id, p.id, %(at)s, %(actor)s FROM waiting w JOIN places p USING (n)
RETURNING adviser_id"""

# An account that was switched off looks after nobody.
_END_ABSENT = """
UPDATE entitlements_adviserassignment a SET ended_at = greatest(a.assigned_at, %(at)s)
FROM staff_user u WHERE u.id = a.adviser_id AND NOT u.is_active AND a.ended_at IS NULL"""


class AssignmentQuerySet(models.QuerySet):
    def current(self) -> "AssignmentQuerySet":
        """Assignments nobody has ended, to colleagues who are there; they count while the member is entitled."""
        return self.filter(ended_at__isnull=True, adviser__is_active=True)

    def take_turns(self) -> None:
        """Wait until nobody else is assigning advisers, and hold the others up until the transaction ends."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('entitlements_advisers'))")

    def end_absent(self, at: datetime) -> None:
        """End the assignments to accounts that were switched off."""
        with connection.cursor() as cursor:
            cursor.execute(_END_ABSENT, {"at": at})

    def spread(self, *, advisers: Sequence[int], actor_id: int | None, at: datetime) -> Counter[int]:
        """Give everybody who waits for an adviser one of these, evenly; how many each of them got."""
        with connection.cursor() as cursor:
            cursor.execute(_SPREAD, {"advisers": list(advisers), "actor": actor_id, "at": at})
            return Counter(adviser for (adviser,) in cursor.fetchall())
