"""The figures of all benefits, each table in one reading. Uses that were taken back do not count."""

# By month, everything the log gained since the last count says which months to count anew. ``recorded_at`` is
# indexed by block ranges; a month is then read by (benefit, at).
MONTHS = """
WITH changed AS (
  SELECT DISTINCT u.benefit_id, date_trunc('month', u.at AT TIME ZONE %(zone)s)::date AS month
  FROM (
    SELECT benefit_id, at FROM entitlements_usagerecord WHERE recorded_at >= %(since)s AND outcome = 'used'
    UNION ALL
    SELECT r.benefit_id, u.at FROM entitlements_usagerecord r JOIN entitlements_usagerecord u ON u.id = r.reverses_id
    WHERE r.recorded_at >= %(since)s AND r.outcome = 'reversed'
  ) u
),
spans AS MATERIALIZED (
  SELECT c.*, c.month::timestamp AT TIME ZONE %(zone)s AS start,
    (c.month + interval '1 month') AT TIME ZONE %(zone)s AS stop
  FROM changed c
),
used AS (
  SELECT s.benefit_id, s.month, u.member_id, count(*) AS uses, sum(u.amount) AS amount,
    sum(u.worth_cents) AS worth_cents
  FROM spans s
  JOIN entitlements_usagerecord u ON u.benefit_id = s.benefit_id AND u.at >= s.start AND u.at < s.stop
  WHERE u.outcome = 'used'
    AND NOT EXISTS (SELECT FROM entitlements_usagerecord r WHERE r.reverses_id = u.id AND r.outcome = 'reversed')
  GROUP BY 1, 2, 3
),
counted AS MATERIALIZED (
  SELECT u.benefit_id, u.month, t.tier_id, count(*) AS members, sum(u.uses) AS uses, sum(u.amount) AS amount,
    sum(u.worth_cents) AS worth_cents
  FROM used u LEFT JOIN entitlements_standing t ON t.member_id = u.member_id
  GROUP BY 1, 2, 3
),
gone AS (
  UPDATE entitlements_benefitmonth m SET members = 0, uses = 0, amount = 0, worth_cents = 0
  FROM changed c
  WHERE m.benefit_id = c.benefit_id AND m.month = c.month AND NOT EXISTS (
    SELECT FROM counted o WHERE o.benefit_id = m.benefit_id AND o.month = m.month
      AND o.tier_id IS NOT DISTINCT FROM m.tier_id)
)
INSERT INTO entitlements_benefitmonth AS m (benefit_id, month, tier_id, members, uses, amount, worth_cents)
SELECT benefit_id, month, tier_id, members, uses, amount, worth_cents FROM counted
ON CONFLICT (benefit_id, month, tier_id) DO UPDATE SET members = excluded.members, uses = excluded.uses,
  amount = excluded.amount, worth_cents = excluded.worth_cents"""

_FIGURES = """count(*) AS entitled, count(*) FILTER (WHERE b.last_used_at >= %(lately)s) AS reached,
    count(*) FILTER (WHERE b.granted > 0 AND b.used >= b.granted) AS at_limit, coalesce(sum(b.granted), 0) AS granted,
    coalesce(sum(b.used) FILTER (WHERE b.granted > 0), 0) AS used"""

_SUMS = "sum(entitled), sum(reached), sum(at_limit), sum(granted), sum(used)"

# The balances are read once, into as few rows as there are benefits, tiers and states.
REACH = f"""
WITH parts AS MATERIALIZED (
  SELECT b.benefit_id, t.tier_id, l.lifecycle_state AS state, {_FIGURES}
  FROM entitlements_balance b
  JOIN entitlements_standing t ON t.member_id = b.member_id
  JOIN members_memberlifecycle l ON l.member_id = b.member_id
  WHERE b.is_open
  GROUP BY 1, 2, 3
)
INSERT INTO entitlements_benefitreach (benefit_id, by, value, entitled, reached, at_limit, granted, used)
SELECT benefit_id, 'all', '', {_SUMS} FROM parts GROUP BY 1
UNION ALL
SELECT benefit_id, 'tier', coalesce(tier_id::text, ''), {_SUMS} FROM parts GROUP BY 1, 3
UNION ALL
SELECT benefit_id, 'state', coalesce(state, ''), {_SUMS} FROM parts GROUP BY 1, 3
UNION ALL
SELECT * FROM (
  SELECT b.benefit_id, 'segment', s.segment_id::text, {_FIGURES}
  FROM entitlements_balance b
  JOIN members_segmentmembership s ON s.member_id = b.member_id AND s.left_at IS NULL
  WHERE b.is_open
  GROUP BY 1, s.segment_id
) s"""

# What was true while the month ran stays with it when it is over.
ENTITLED_NOW = """
INSERT INTO entitlements_benefitmonth AS m (benefit_id, month, tier_id, entitled, members, uses, amount, worth_cents)
SELECT r.benefit_id, date_trunc('month', %(at)s::timestamptz AT TIME ZONE %(zone)s)::date,
  nullif(r.value, '')::bigint, r.entitled, 0, 0, 0, 0
FROM entitlements_benefitreach r WHERE r.by = 'tier'
ON CONFLICT (benefit_id, month, tier_id) DO UPDATE SET entitled = excluded.entitled"""
