"""The event catalogue: what each event amounts to, and its active days counted anew."""

from datetime import date
from typing import Any

from django.db import connection, models
from django.db.models import Max, Q, Sum
from django.db.models.functions import Coalesce

from members.events.querysets.events import MINUTE

# What the engine never looks back beyond, with room: its longest window is 91 days.
RECOUNT_DAYS = 400

# The active days of everybody who has the event, from the events themselves; earlier days stay as they are.
_RECOUNT = f"""
WITH affected AS MATERIALIZED (
  SELECT DISTINCT member_id FROM members_event
  WHERE definition_id = %(definition)s AND occurred_at >= %(first_on)s::date - interval '2 days'
),
counted AS MATERIALIZED (
  SELECT c.member_id, c.local_on, min(c.occurred_at) AS first_at, max(c.seen_at) AS last_at FROM (
    SELECT e.member_id, e.occurred_at, least(e.occurred_at, e.received_at) AS seen_at,
      (e.occurred_at AT TIME ZONE coalesce(nullif(s.time_zone, ''), %(zone)s))::date AS local_on
    FROM affected JOIN members_event e USING (member_id)
    JOIN members_eventdefinition d ON d.id = e.definition_id AND d.is_activity
    JOIN members_memberlifecycle s ON s.member_id = e.member_id
    WHERE e.occurred_at >= %(first_on)s::date - interval '2 days'
  ) c WHERE c.local_on >= %(first_on)s GROUP BY 1, 2
),
gone AS (
  DELETE FROM members_activeday a USING affected f
  WHERE a.member_id = f.member_id AND a.local_on >= %(first_on)s
    AND NOT EXISTS (SELECT 1 FROM counted c WHERE c.member_id = a.member_id AND c.local_on = a.local_on)
),
kept AS (
  INSERT INTO members_activeday AS a (member_id, local_on, first_at)
  SELECT member_id, local_on, first_at FROM counted ORDER BY 1, 2
  ON CONFLICT (member_id, local_on) DO UPDATE SET first_at = excluded.first_at WHERE a.first_at <> excluded.first_at
),
latest AS (
  SELECT f.member_id, coalesce(max(c.last_at), (
    SELECT max(a.first_at) FROM members_activeday a WHERE a.member_id = f.member_id AND a.local_on < %(first_on)s
  )) AS at
  FROM affected f LEFT JOIN counted c USING (member_id) GROUP BY f.member_id
)
UPDATE members_memberlifecycle s
SET last_active_time = {MINUTE.format("l.at", "%(at)s")}, next_due_at = least(s.next_due_at, %(at)s)
FROM latest l WHERE s.member_id = l.member_id"""


class EventDefinitionQuerySet(models.QuerySet):
    def with_volume(self, since_on: date) -> "EventDefinitionQuerySet":
        """Adds ``volume``, the events since a date of the project's, and ``last_at``, the last one ever."""
        return self.annotate(
            volume=Coalesce(Sum("days__events", filter=Q(days__local_on__gte=since_on)), 0),
            last_at=Max("days__last_at"),
        )

    def reported(self) -> "EventDefinitionQuerySet":
        """Events that have ever happened to anybody."""
        return self.alias(ever=Sum("days__events")).filter(ever__gt=0)

    def named_like(self, text: str) -> "EventDefinitionQuerySet":
        """Events whose name or label holds the text; all of them for none."""
        plain = text.replace("\0", "").strip()
        return self.filter(
            Q(name__icontains=plain) | Q(label__icontains=plain) | Q(label_zh__icontains=plain) if plain else Q()
        )

    def awaiting_recount(self) -> "EventDefinitionQuerySet":
        return self.filter(recount_due_at__isnull=False)

    def recount(self, params: dict[str, Any]) -> int:
        """Count the active days of everybody with an event anew from a date on; returns how many members."""
        with connection.cursor() as cursor:
            cursor.execute(_RECOUNT, params)
            return cursor.rowcount
