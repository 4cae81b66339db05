"""The statements of the settling engine that keep what is lost and give it back on return.

They read the temporary tables ``settling`` and ``wanted`` of ``entitlements.grants.querysets.settling``, each at its
place in the engine's order.
"""

from entitlements.benefits.querysets.anchors import ANCHOR

# Before anything is withdrawn, so that the balances are still those the member had. What is lost with a refunded term
# is nobody's to get back, nor is what was lent or added as compensation, so the last term that counts is the last one
# bought or given that was not refunded. Of one-off
# amounts: what is given once a term, by the ladder's lot of that term, and what was carried over; the latter is
# there by itself while the period it was carried into goes on. A tier she earned may stay hers: what the term gave is
# lost when that tier is lower, whatever the standing was called before.
REMEMBER = """
INSERT INTO entitlements_entitlementsnapshot (
  member_id, taken_at, term_id, tier_id, plan_id, ladder_id, balances, unlocked, memories, outcome, restored
)
SELECT s.member_id, coalesce(s.since, %(at)s), m.id, m.tier_id, m.plan_id, %(ladder)s, coalesce(h.balances, '{{}}'),
  coalesce(u.unlocked, '{{}}'), {memories}, 'pending', '{{}}'
FROM settling s
JOIN entitlements_standing o ON o.member_id = s.member_id
JOIN members_tier former ON former.id = o.tier_id
LEFT JOIN members_tier present ON present.id = s.tier_id
CROSS JOIN LATERAL (
  SELECT t.* FROM members_membershipterm t
  WHERE t.member_id = s.member_id AND t.kind IN ('paid', 'gift') AND t.refunded_at IS NULL AND t.voided_at IS NULL
    AND t.starts_at <= %(at)s AND coalesce(t.closed_at, t.ends_at) > t.starts_at
  ORDER BY t.starts_at DESC LIMIT 1
) m
JOIN members_tier bought ON bought.id = m.tier_id
LEFT JOIN LATERAL (
  SELECT jsonb_object_agg(b.benefit_id, jsonb_build_object(
    'granted', b.granted, 'remaining', b.granted - b.used, 'uses', b.uses, 'once', coalesce(g.amount, 0),
    'carried', coalesce(l.amount, 0), 'carried_until', l.closes_at
  )) AS balances
  FROM entitlements_balance b
  JOIN entitlements_benefit e ON e.id = b.benefit_id
  LEFT JOIN LATERAL (
    SELECT greatest(max(g.amount) - coalesce(max(l.used), 0), 0) AS amount
    FROM entitlements_grant g
    LEFT JOIN entitlements_lot l ON l.member_id = g.member_id AND l.benefit_id = g.benefit_id AND l.bucket = 0
      AND l.opens_at = g.anchor_at
    WHERE e.period = 'term' AND g.member_id = b.member_id AND g.benefit_id = b.benefit_id AND g.source = 'term'
      AND g.source_id = m.id AND g.voided_at IS NULL
  ) g ON true
  LEFT JOIN LATERAL (
    SELECT sum(l.amount - l.used)::bigint AS amount, max(l.closes_at) AS closes_at FROM entitlements_lot l
    WHERE l.member_id = b.member_id AND l.benefit_id = b.benefit_id AND l.bucket = -1
      AND l.opens_at < coalesce(s.since, %(at)s) AND l.closes_at >= coalesce(s.since, %(at)s)
  ) l ON true
  WHERE b.member_id = s.member_id
) h ON true
LEFT JOIN LATERAL (
  SELECT jsonb_object_agg(g.benefit_id, jsonb_build_object('amount', g.amount, 'level', g.level)) AS unlocked
  FROM entitlements_grant g JOIN entitlements_benefit e ON e.id = g.benefit_id
  WHERE g.member_id = s.member_id AND g.source = 'term' AND g.source_id = m.id AND g.voided_at IS NULL
    AND e.unlocked_by_id IS NOT NULL
) u ON true
WHERE s.is_member AND s.term_id IS NULL AND former.position > coalesce(present.position, -1)
  AND bought.position > coalesce(present.position, -1)
ON CONFLICT DO NOTHING"""

MAKE_RECALLED = """
CREATE TEMPORARY TABLE recalled (
  snapshot_id bigint NOT NULL, member_id bigint NOT NULL, tier_id bigint, balances jsonb, unlocked jsonb,
  memories jsonb, rule_id bigint, since timestamptz NOT NULL, until timestamptz NOT NULL
) ON COMMIT DROP"""

# The first term bought or given after the loss decides, by the rule in force, also where a tier that was earned stands
# above it; trials, compensation and lent cover decide nothing. The row's own state lets it happen once.
DECIDE = """
WITH decided AS (
  UPDATE entitlements_entitlementsnapshot p SET return_term_id = t.id, rule_id = r.id, outcome = v.outcome,
    returned_at = greatest(t.starts_at, p.taken_at),
    restored_at = CASE WHEN v.outcome = 'restored' THEN %(at)s::timestamptz END
  FROM settling s
  JOIN members_membershipterm t ON t.id = s.term_id AND t.kind IN ('paid', 'gift')
  CROSS JOIN (SELECT * FROM entitlements_restorerule WHERE status = 'active') r
  JOIN entitlements_entitlementsnapshot q ON q.member_id = s.member_id AND q.outcome = 'pending'
  CROSS JOIN LATERAL (SELECT CASE
    WHEN t.starts_at < q.taken_at THEN 'unbroken'
    WHEN r.mode = 'nothing' THEN 'nothing'
    WHEN NOT CASE t.kind WHEN 'paid' THEN r.on_purchase ELSE r.on_gift END THEN 'other_way'
    WHEN r.mode = 'younger' AND (t.starts_at AT TIME ZONE s.zone)::date
      - (q.taken_at AT TIME ZONE s.zone)::date >= r.younger_than_days THEN 'too_old'
    ELSE 'restored' END AS outcome) v
  WHERE p.id = q.id AND p.outcome = 'pending' AND s.is_member
    AND least(t.ends_at, coalesce(t.closed_at, t.ends_at)) > %(at)s
  RETURNING p.id, p.member_id, p.tier_id, p.balances, p.unlocked, p.memories, p.outcome, p.rule_id, t.starts_at,
    least(t.ends_at, coalesce(t.closed_at, t.ends_at)) AS end_at
)
INSERT INTO recalled
SELECT id, member_id, tier_id, balances, unlocked, memories, rule_id, starts_at, end_at
FROM decided WHERE outcome = 'restored'"""

# Beyond what the ladder gives now. The former tier's surplus for some days, and like the rest no longer than the term
# it comes with. What was carried over went on being carried where the member had the benefit, as of a lower tier, when
# that period closed. What was used of it when it came back before is gone.
RESTORE = (
    """
WITH back AS (
  SELECT k.member_id, k.snapshot_id, c.benefit_id,
    CASE WHEN c.amount IS NOT NULL THEN greatest(c.amount - coalesce(w.amount, 0), 0) END AS amount, c.level,
    true AS recurs, c.early_hours, %(reason_tier)s AS reason,
    least((k.since AT TIME ZONE s.zone + make_interval(days => r.tier_days)) AT TIME ZONE s.zone, k.until)
      AS expires_at
  FROM recalled k
  JOIN settling s USING (member_id)
  JOIN entitlements_restorerule r ON r.id = k.rule_id AND r.restores_tier
  JOIN members_tier former ON former.id = k.tier_id
  JOIN members_tier present ON present.id = s.tier_id AND present.position < former.position
  JOIN entitlements_tierbenefit c ON c.version_id = s.ladder_id AND c.tier_id = k.tier_id
  JOIN entitlements_benefit e ON e.id = c.benefit_id AND NOT e.is_archived AND e.unlocked_by_id IS NULL
  LEFT JOIN wanted w ON w.member_id = k.member_id AND w.benefit_id = c.benefit_id
  WHERE w.member_id IS NULL OR array_position(e.levels, c.level) > coalesce(array_position(e.levels, w.level), 0)
    OR w.amount IS NOT NULL AND (c.amount IS NULL OR c.amount > w.amount)
  UNION ALL
  SELECT k.member_id, k.snapshot_id, e.id, (u.value ->> 'amount')::bigint, u.value ->> 'level', true, 0,
    %(reason_unlocked)s, k.until
  FROM recalled k
  JOIN entitlements_restorerule r ON r.id = k.rule_id AND r.restores_unlocked
  CROSS JOIN LATERAL jsonb_each(k.unlocked) u
  JOIN entitlements_benefit e ON e.id = u.key::bigint AND NOT e.is_archived
  WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.member_id = k.member_id AND w.benefit_id = e.id)
  UNION ALL
  SELECT k.member_id, k.snapshot_id, e.id, o.amount, '', false, 0, %(reason_remaining)s, k.until
  FROM recalled k
  JOIN entitlements_restorerule r ON r.id = k.rule_id AND r.restores_remaining
  CROSS JOIN LATERAL jsonb_each(k.balances) h
  JOIN entitlements_benefit e ON e.id = h.key::bigint AND NOT e.is_archived
  CROSS JOIN LATERAL (
    SELECT (h.value ->> 'once')::bigint + CASE WHEN (h.value ->> 'carried_until')::timestamptz <= k.since
      AND NOT EXISTS (
        SELECT FROM entitlements_grant g WHERE g.member_id = k.member_id AND g.benefit_id = e.id AND g.recurs
          AND g.effective_at <= (h.value ->> 'carried_until')::timestamptz AND g.effective_at < k.since
          AND least(g.expires_at, g.voided_at, 'infinity') > (h.value ->> 'carried_until')::timestamptz
      ) THEN (h.value ->> 'carried')::bigint ELSE 0 END - coalesce((
        SELECT sum(l.used) FROM entitlements_grant g
        JOIN entitlements_lot l ON l.member_id = g.member_id AND l.benefit_id = g.benefit_id AND l.bucket = g.id
        WHERE g.source = 'restore' AND g.source_id = k.snapshot_id AND g.benefit_id = e.id AND NOT g.recurs
      ), 0)::bigint AS amount
  ) o
  WHERE o.amount > 0
),
given AS (
  INSERT INTO entitlements_grant (
    member_id, benefit_id, source, source_id, amount, level, recurs, priority, early_hours, anchor_at, effective_at,
    expires_at, void_reason, reason, created_at
  )
  SELECT b.member_id, b.benefit_id, 'restore', b.snapshot_id, b.amount, b.level, b.recurs, 50,
    b.early_hours, coalesce("""
    + ANCHOR
    + """, s.earned_at, k.since), k.since, b.expires_at, '', b.reason, %(at)s
  FROM back b JOIN settling s USING (member_id) JOIN recalled k USING (member_id, snapshot_id)
  JOIN entitlements_benefit e ON e.id = b.benefit_id
  ON CONFLICT DO NOTHING
  RETURNING id, source_id, benefit_id, amount
)
UPDATE entitlements_entitlementsnapshot p SET restored = jsonb_build_object('grants', coalesce(g.grants, '[]'),
  'memories', CASE WHEN r.restores_points THEN k.memories ELSE '{}' END)
FROM recalled k
JOIN entitlements_restorerule r ON r.id = k.rule_id
LEFT JOIN (
  SELECT source_id, jsonb_agg(jsonb_build_object('grant', id, 'benefit', benefit_id, 'amount', amount) ORDER BY id)
    AS grants
  FROM given GROUP BY 1
) g ON g.source_id = k.snapshot_id
WHERE p.id = k.snapshot_id"""
)

# One door's part of what is given back.
MAKE_MEMORY = """
CREATE TEMPORARY TABLE recalled_memory ON COMMIT DROP AS
SELECT k.snapshot_id, k.member_id, k.memories -> %(code)s AS value, %(at)s::timestamptz AS at
FROM recalled k JOIN entitlements_restorerule r ON r.id = k.rule_id AND r.restores_points
WHERE k.memories ? %(code)s"""

# What came back with an order goes with it, however that ends: over, refunded, unmade, set aside, or another member's.
WITHDRAW = """
UPDATE entitlements_grant g SET voided_at = least(greatest(v.ended_at, g.effective_at), %(at)s),
  void_reason = 'source_ended'
FROM settling s
JOIN entitlements_grant w ON w.member_id = s.member_id AND w.source = 'restore' AND w.voided_at IS NULL
LEFT JOIN entitlements_entitlementsnapshot p ON p.id = w.source_id AND p.member_id = w.member_id
LEFT JOIN members_membershipterm t ON t.id = p.return_term_id AND t.member_id = w.member_id
CROSS JOIN LATERAL (
  SELECT bool_or(m.starts_at <= %(at)s AND upper(m.period) > %(at)s) AS runs,
    coalesce(min(m.voided_at), max(upper(m.period)) FILTER (WHERE m.starts_at <= %(at)s)) AS ended_at
  FROM members_membershipterm m WHERE m.member_id = t.member_id
    AND coalesce(m.origin_id, m.id) = coalesce(t.origin_id, t.id)
) v
WHERE g.id = w.id AND (NOT s.is_member OR v.runs IS NOT TRUE)
  AND (w.expires_at IS NULL OR w.expires_at > coalesce(v.ended_at, %(at)s))"""

# A return that was unmade, or that was another member's, was none; a refunded one was none unless something of what
# came back was used. What other engines gave back stays given.
REOPEN = """
UPDATE entitlements_entitlementsnapshot p SET outcome = 'pending', returned_at = NULL, return_term_id = NULL,
  rule_id = NULL, restored_at = NULL, restored = '{}',
  memories = CASE WHEN coalesce(p.restored -> 'memories', '{}') = '{}' THEN p.memories ELSE '{}' END
FROM settling s, entitlements_entitlementsnapshot q
LEFT JOIN members_membershipterm t ON t.id = q.return_term_id AND t.member_id = q.member_id
WHERE q.member_id = s.member_id AND q.outcome <> 'pending' AND p.id = q.id AND p.outcome <> 'pending' AND (
  t.id IS NULL OR t.voided_at <= %(at)s OR t.refunded_at <= %(at)s AND NOT EXISTS (
    SELECT FROM entitlements_grant g
    LEFT JOIN entitlements_lot l ON l.member_id = g.member_id AND l.benefit_id = g.benefit_id AND l.bucket = g.id
    LEFT JOIN entitlements_benefit e ON e.id = g.benefit_id AND e.kind = 'access'
    LEFT JOIN entitlements_usagerecord u ON u.member_id = g.member_id AND u.benefit_id = e.id AND u.at >= q.restored_at
      AND u.outcome = 'used' AND NOT EXISTS (SELECT FROM entitlements_usagerecord b WHERE b.reverses_id = u.id)
    WHERE g.source = 'restore' AND g.source_id = q.id AND (l.used > 0 OR u.id IS NOT NULL)))"""
