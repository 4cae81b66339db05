"""Active days out of the events of a member, a range of the event index a day."""

FIND_AGAIN = """
INSERT INTO members_activeday (member_id, local_on, first_at)
SELECT s.member_id, d.local_on, f.first_at
FROM members_memberlifecycle s
CROSS JOIN LATERAL (SELECT coalesce(nullif(s.time_zone, ''), %(zone)s) AS zone) z
CROSS JOIN unnest(%(days)s::date[]) AS d (local_on)
CROSS JOIN LATERAL (
  SELECT min(e.occurred_at) AS first_at
  FROM members_event e JOIN members_eventdefinition n ON n.id = e.definition_id AND n.is_activity
  WHERE e.member_id = s.member_id AND e.occurred_at >= d.local_on::timestamp AT TIME ZONE z.zone
    AND e.occurred_at < (d.local_on + 1)::timestamp AT TIME ZONE z.zone
) f
WHERE s.member_id = %(member)s AND f.first_at IS NOT NULL
ON CONFLICT DO NOTHING"""
