-- The bare side of planning: the same enrollments and messages by INSERT ... SELECT alone, into the same tables with the
-- same indexes and triggers. No look at who is enrolled already, nothing revived, the steps written out.
WITH enrolled AS (
  INSERT INTO campaigns_enrollment
    (member_id, campaign_id, version_id, occurrence, anchor_at, time_zone, tier_id, entered_at, facts, exit_reason)
  SELECT s.member_id, %(campaign)s, %(version)s, t.id, s.expiration_time, 'Asia/Shanghai', t.tier_id, %(at)s,
    jsonb_build_object('order', t.id, 'term', t.id, 'ends_at', s.expiration_time, 'ends_on', s.expiration_time::date, 'time_zone', 'Asia/Shanghai',
      'recorded_at', t.booked_at, 'tier', t.tier_id, 'plan', t.plan_id, 'window_days', 7, 'reach_days', 7), ''
  FROM members_memberlifecycle s
  JOIN members_membershipterm t ON t.member_id = s.member_id AND t.ends_at = s.expiration_time
  WHERE s.expiration_time > %(at)s AND s.expiration_time <= %(at)s::timestamptz + interval '9 days'
    AND NOT s.auto_renewal_flag AND t.kind = 'paid'
  RETURNING member_id, occurrence, anchor_at
)
INSERT INTO campaigns_messageintent
  (member_id, campaign_id, version_id, occurrence, step_key, channel, status, reason, due_at, expires_at, planned_at,
   claimed_by, attempts, provider_reply, provider_message_id)
SELECT e.member_id, %(campaign)s, %(version)s, e.occurrence, p.step_key, p.channel, 'pending', '',
  date_trunc('day', e.anchor_at) - p.days * interval '1 day' + interval '2 hours',
  date_trunc('day', e.anchor_at) - p.days * interval '1 day' + interval '14 hours', %(at)s, '', 0, '', ''
FROM enrolled e CROSS JOIN (VALUES
  ('d7.email', 'email', 7), ('d7.in_app', 'in_app', 7), ('d3.email', 'email', 3), ('d3.in_app', 'in_app', 3),
  ('d1.email', 'email', 1), ('d1.in_app', 'in_app', 1), ('d0.email', 'email', 0), ('d0.in_app', 'in_app', 0)
) AS p (step_key, channel, days)
