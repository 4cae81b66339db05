-- The bare side of the unselective count without a counter: the events of the window once, grouped.
SELECT count(*) FROM (
  SELECT member_id FROM members_event
  WHERE definition_id = (SELECT id FROM members_eventdefinition WHERE name = %(event)s)
    AND occurred_at >= %(at)s::timestamptz - interval '30 days' AND occurred_at <= %(at)s
  GROUP BY member_id HAVING count(*) >= 3
) s
