-- The bare side of a term that starts: the grants of every due member's tier, her balances, and her standing, each one
-- INSERT or UPDATE with the same columns, indexes and foreign keys. Calendar months of one zone lie ready as constants.
INSERT INTO entitlements_grant (
  member_id, benefit_id, source, source_id, amount, level, recurs, priority, early_hours, anchor_at, effective_at,
  expires_at, void_reason, ladder_id, reason, created_at
)
SELECT s.member_id, c.benefit_id, 'term', t.id, c.amount, c.level, true, 100, 0, t.starts_at, t.starts_at, t.ends_at,
  '', c.version_id, '', %(at)s
FROM entitlements_standing s
JOIN members_membershipterm t ON t.member_id = s.member_id AND t.starts_at <= %(at)s AND t.ends_at > %(at)s
JOIN entitlements_tierbenefit c ON c.tier_id = t.tier_id AND c.version_id = %(ladder)s
WHERE s.next_due_at <= %(at)s;

INSERT INTO entitlements_balance (
  member_id, benefit_id, is_open, granted, used, units, laid, overage, level, early_hours, allowance,
  period_start, period_end, settled_at, valid_until, uses
)
SELECT g.member_id, g.benefit_id, true, g.amount, 0, 0, 0, 0, g.level, 0, g.amount, %(month)s, %(next)s, %(at)s,
  least(g.expires_at, %(next)s), 0
FROM entitlements_grant g JOIN entitlements_standing s ON s.member_id = g.member_id WHERE s.next_due_at <= %(at)s;

UPDATE entitlements_standing s SET via = 'term', tier_id = t.tier_id, plan_id = t.plan_id, term_id = t.id,
  since = t.starts_at, until = t.ends_at, settled_at = %(at)s, next_due_at = least(t.ends_at, %(next)s)
FROM members_membershipterm t
WHERE t.member_id = s.member_id AND t.starts_at <= %(at)s AND t.ends_at > %(at)s AND s.next_due_at <= %(at)s
