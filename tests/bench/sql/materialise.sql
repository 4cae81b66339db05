-- The bare side of the diff: who went and who came, in one statement.
WITH wanted AS MATERIALIZED (SELECT id FROM members_member WHERE city = %(city)s),
gone AS (
  UPDATE members_segmentmembership m SET left_at = %(at)s, left_xid = pg_current_xact_id()
  WHERE m.segment_id = %(segment)s AND m.left_at IS NULL AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.id = m.member_id)
)
INSERT INTO members_segmentmembership (segment_id, member_id, entered_at)
SELECT %(segment)s, w.id, %(at)s FROM wanted w WHERE NOT EXISTS (
  SELECT 1 FROM members_segmentmembership m
  WHERE m.segment_id = %(segment)s AND m.left_at IS NULL AND m.member_id = w.id)
