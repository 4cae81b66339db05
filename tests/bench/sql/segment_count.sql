-- The bare side of the segment's count: the member's own row first, then each one's own events.
SELECT count(*) FROM members_memberlifecycle s
WHERE s.tier_id = %(tier)s AND s.expiration_time >= %(at)s AND s.expiration_time <= %(at)s::timestamptz + interval '7 days'
  AND NOT EXISTS (SELECT 1 FROM members_segmentmembership m
                  WHERE m.segment_id = %(segment)s AND m.member_id = s.member_id AND m.left_at IS NULL)
  AND (SELECT count(*) FROM members_event e
       WHERE e.member_id = s.member_id AND e.definition_id = (SELECT id FROM members_eventdefinition WHERE name = %(event)s)
         AND e.occurred_at >= %(at)s::timestamptz - interval '30 days' AND e.occurred_at <= %(at)s) >= 3
