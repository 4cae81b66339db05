-- The bare side of filling a segment.
INSERT INTO members_segmentmembership (segment_id, member_id, entered_at)
SELECT %(segment)s, id, %(at)s FROM members_member WHERE city = %(city)s
