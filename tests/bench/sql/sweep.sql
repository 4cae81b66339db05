-- The bare side of the sweep: due rows found by the same index, their log rows written first, then the state rows that
-- name them, in one statement under the same trigger, indexes and foreign keys. The verdicts lie ready in bench_due; the
-- facts are one constant as long as the engine's.
WITH due AS MATERIALIZED (
  SELECT s.member_id, s.lifecycle_state, d.to_state, d.move, d.rule
  FROM members_memberlifecycle s JOIN bench_due d ON d.member_id = s.member_id
  WHERE s.next_due_at <= %(at)s AND s.brake_id IS NULL
  FOR UPDATE OF s SKIP LOCKED
),
logged AS (
  INSERT INTO members_lifecycletransition
    (member_id, from_state, to_state, move, rule, policy_id, effective_at, recorded_at, facts)
  SELECT member_id, lifecycle_state, to_state, move, rule, %(policy)s, %(at)s, %(at)s,
    '{"term": 100000, "kind": "paid", "ends_on": "2026-11-24", "days_left": 2, "later_term": false, "active_days": 14,
      "quiet_since": "2026-11-21", "tenure_days": 88, "window_days": 7, "active_weeks": 4, "auto_renewal": false,
      "last_active_on": "2026-11-21"}'::jsonb
  FROM due
  RETURNING id, member_id, to_state, rule
)
UPDATE members_memberlifecycle s SET
  lifecycle_state = l.to_state, transition_id = l.id, state_since = %(at)s, resume_state = s.lifecycle_state,
  target_state = l.to_state, target_rule = l.rule, membership_status = s.membership_status, assessed_at = %(at)s,
  next_due_at = %(at)s::timestamptz + interval '30 days'
FROM logged l WHERE l.member_id = s.member_id
