-- One in a hundred of the segment not in it yet, and as many in it who no longer belong; outside the timing.
DELETE FROM members_segmentmembership WHERE left_at IS NOT NULL OR hashint8(member_id) %% 100 = 0;
INSERT INTO members_segmentmembership (segment_id, member_id, entered_at)
SELECT %(segment)s, id, %(at)s FROM members_member WHERE city <> %(city)s AND hashint8(id) %% 400 = 0
