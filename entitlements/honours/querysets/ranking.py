"""The statement that ranks everybody by a measure over one year, and what is asked of runs and awards."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.db.models import F, Q, Window
from django.db.models.functions import Lead

from config.engine.moves import MovingQuerySet

# ``asked`` is the relation that measures are a statement over: here each member's own calendar year.
# Of equal values the one who has been a member longer stands first, then the lower number; nobody is ranked by nothing.
_RANK = """
WITH asked AS MATERIALIZED (
  SELECT l.member_id, 'year'::text AS slot, %(first)s::date AS start_on, %(after)s::date AS end_on,
    %(first)s::timestamp AT TIME ZONE z.zone AS start_at, %(after)s::timestamp AT TIME ZONE z.zone AS end_at, z.zone,
    (coalesce(m.registered_at, m.created_at) AT TIME ZONE z.zone)::date AS joined_on, %(at)s::timestamptz AS as_at,
    %(at)s::timestamptz AS known_until
  FROM members_memberlifecycle l
  JOIN members_member m ON m.id = l.member_id
  CROSS JOIN LATERAL (SELECT coalesce(nullif(l.time_zone, ''), %(zone)s) AS zone) z
),
counted AS ({measure}),
ranked AS MATERIALIZED (
  SELECT c.member_id, c.value,
    row_number() OVER (ORDER BY c.value DESC, coalesce(m.registered_at, m.created_at), c.member_id) AS rank
  FROM counted c JOIN members_member m ON m.id = c.member_id
  WHERE c.value > 0
),
placed AS (
  INSERT INTO entitlements_honouraward (run_id, member_id, rank, value)
  SELECT %(run)s, member_id, rank, value FROM ranked WHERE rank <= %(top)s
)
SELECT count(*), max(value) FILTER (WHERE rank = %(top)s + 1) FROM ranked"""


class RunQuerySet(MovingQuerySet):
    def live(self) -> "RunQuerySet":
        """Runs that were neither thrown away nor taken back."""
        return self.filter(status__in=["draft", "given"])

    def to_count(self) -> "RunQuerySet":
        """Drafts whose list is not there yet."""
        return self.filter(status="draft", counted_at__isnull=True)

    def rank(
        self, *, run_id: int, top: int, year: int, measure: str, zone: str, parameters: Mapping[str, Any]
    ) -> tuple[int, int | None]:
        """Write the places of a run; how many had something to rank, and the value of the first without a place."""
        values = {**parameters, "run": run_id, "top": top, "zone": zone}
        values |= {"first": f"{year}-01-01", "after": f"{year + 1}-01-01"}
        with connection.cursor() as cursor:
            cursor.execute(_RANK.format(measure=measure), values)
            ranked, next_value = cursor.fetchone()
            return ranked, next_value


class AwardQuerySet(models.QuerySet):
    def given(self) -> "AwardQuerySet":
        """Awards of runs that a person confirmed, taken back or not."""
        return self.filter(run__status__in=["given", "voided"])

    def worn(self, at: datetime) -> "AwardQuerySet":
        """Awards whose title is worn at ``at``."""
        lasting = Q(run__worn_until__isnull=True) | Q(run__worn_until__gt=at)
        return self.filter(lasting, run__status="given", run__decided_at__lte=at)

    def behind(self, rank: int) -> "AwardQuerySet":
        """Places behind this one, in their order, each with ``below``: the value of the next."""
        rows = self.annotate(below=Window(Lead("value"), partition_by=F("run"), order_by=F("rank").asc()))
        return rows.filter(rank__gt=rank).order_by("rank")
