-- Back to before the sweep, outside the timing; the guard would rightly refuse it.
SET session_replication_role = replica;
DELETE FROM members_lifecycletransition t USING bench_last l WHERE t.id > l.id;
TRUNCATE members_membertag;
INSERT INTO members_membertag OVERRIDING SYSTEM VALUE SELECT * FROM bench_tags;
UPDATE members_memberlifecycle s SET
  lifecycle_state = b.lifecycle_state, transition_id = b.transition_id, state_since = b.state_since,
  resume_state = b.resume_state, target_state = b.target_state, target_rule = b.target_rule,
  membership_status = b.membership_status, tier_id = b.tier_id, activation_time = b.activation_time,
  expiration_time = b.expiration_time, auto_renewal_flag = b.auto_renewal_flag, assessed_at = b.assessed_at,
  next_due_at = b.next_due_at, brake_id = NULL
FROM bench_state b
WHERE b.member_id = s.member_id AND (s.transition_id, s.next_due_at, s.assessed_at, s.target_rule)
  IS DISTINCT FROM (b.transition_id, b.next_due_at, b.assessed_at, b.target_rule);
SET session_replication_role = origin;
