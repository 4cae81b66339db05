"""A history of uses as one statement.

What lies in the usage period open now counts, as far as the member had the benefit then; the rest is only kept.
"""

from entitlements.grants.querysets.facts import had_it
from entitlements.grants.querysets.units import number

# Rows of members whom nobody has settled yet, or who never had the benefit, need a balance to count in.
ENROL = """
INSERT INTO entitlements_balance (
  member_id, benefit_id, is_open, granted, used, units, laid, overage, level, early_hours, settled_at, uses
)
SELECT DISTINCT i.member_id, i.benefit_id, false, 0, 0, 0, 0, 0, '', 0, %(at)s::timestamptz, 0
FROM jsonb_to_recordset(%(rows)s::jsonb) AS i (member_id bigint, benefit_id bigint)
JOIN members_memberlifecycle l ON l.member_id = i.member_id
ORDER BY 1, 2
ON CONFLICT DO NOTHING"""

# How often members ever used each benefit, from their records; who now has other records is settled at once.
COUNT_USES = """
WITH counted AS (
  SELECT member_id, benefit_id, count(*) AS uses, min(at) AS first_at, max(at) AS last_at, max(recorded_at) AS told_at
  FROM entitlements_usagerecord WHERE member_id = ANY(%(members)s) AND outcome = 'used' GROUP BY 1, 2
),
gone AS (
  UPDATE entitlements_balance b SET uses = 0, first_used_at = NULL, last_used_at = NULL
  WHERE b.member_id = ANY(%(members)s) AND b.uses > 0
    AND NOT EXISTS (SELECT FROM counted c WHERE c.member_id = b.member_id AND c.benefit_id = b.benefit_id)
),
due AS (
  UPDATE entitlements_standing SET next_due_at = least(next_due_at, settled_at) WHERE member_id = ANY(%(members)s)
)
INSERT INTO entitlements_balance AS b (
  member_id, benefit_id, is_open, granted, used, units, laid, overage, level, early_hours, settled_at, uses,
  first_used_at, last_used_at
)
SELECT member_id, benefit_id, false, 0, 0, 0, 0, 0, '', 0, told_at, uses, first_at, last_at FROM counted
ON CONFLICT (member_id, benefit_id) DO UPDATE SET
  uses = excluded.uses, first_used_at = excluded.first_used_at, last_used_at = excluded.last_used_at"""

# Once a use of the open period does not fit under a hard limit, neither do those after it.
RECORD = (
    """
WITH incoming AS MATERIALIZED (
  SELECT r.* FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (
    member_id bigint, benefit_id bigint, used_at timestamptz, amount bigint, key varchar(120)
  )
  WHERE NOT EXISTS (SELECT FROM entitlements_usagerecord u WHERE u.idempotency_key = r.key)
),
held AS MATERIALIZED (
  SELECT b.* FROM entitlements_balance b
  WHERE (b.member_id, b.benefit_id) IN (SELECT member_id, benefit_id FROM incoming)
  ORDER BY b.member_id, b.benefit_id FOR UPDATE
),
placed AS (
  SELECT i.*, e.worth_cents, e.is_hard_limit, b.granted - b.used AS room,
    b.is_open AND coalesce(b.period_start <= i.used_at, true) AND """
    + had_it("i.used_at")
    + """ AS counts, b.granted, b.used, b.overage AS over, b.units
  FROM incoming i JOIN held b USING (member_id, benefit_id) JOIN entitlements_benefit e ON e.id = i.benefit_id
),
summed AS (
  SELECT p.*, sum(p.amount) OVER (
    PARTITION BY p.member_id, p.benefit_id, p.counts ORDER BY p.used_at, p.key
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS upto FROM placed p
),
judged AS (
  SELECT s.*, s.counts AND s.is_hard_limit AND s.upto > s.room AS is_refused,
    CASE WHEN s.counts THEN least(s.amount, greatest(s.upto - s.room, 0)) ELSE 0 END AS beyond
  FROM summed s
),
kept AS (
  INSERT INTO entitlements_usagerecord (
    member_id, benefit_id, at, recorded_at, amount, outcome, origin, overage, worth_cents, idempotency_key,
    granted_after, used_after, overage_after, first_unit
  )
  SELECT j.member_id, j.benefit_id, j.used_at, %(at)s, j.amount,
    CASE WHEN j.is_refused THEN 'limit_reached' ELSE 'used' END, %(origin)s,
    CASE WHEN j.is_refused THEN 0 ELSE coalesce(j.beyond, 0) END,
    CASE WHEN j.is_refused THEN 0 ELSE j.worth_cents * (j.amount - coalesce(j.beyond, 0)) END, j.key, j.granted,
    j.used, j.over, CASE WHEN j.counts AND j.is_refused IS NOT TRUE THEN """
    + number("j.member_id", "j.units + j.upto - j.amount")
    + """ END
  FROM judged j ORDER BY j.used_at
  RETURNING 1
),
counted AS (
  UPDATE entitlements_balance b SET used = b.used + c.used, overage = b.overage + c.beyond,
    units = b.units + c.used + c.beyond, uses = b.uses + c.uses,
    first_used_at = least(b.first_used_at, c.first_at), last_used_at = greatest(b.last_used_at, c.last_at)
  FROM (
    SELECT member_id, benefit_id, count(*) AS uses, min(used_at) AS first_at, max(used_at) AS last_at,
      coalesce(sum(amount - coalesce(beyond, 0)) FILTER (WHERE counts), 0) AS used, coalesce(sum(beyond), 0) AS beyond
    FROM judged WHERE is_refused IS NOT TRUE GROUP BY 1, 2
  ) c
  WHERE b.member_id = c.member_id AND b.benefit_id = c.benefit_id
),
due AS (
  UPDATE entitlements_standing s SET next_due_at = least(s.next_due_at, %(at)s)
  WHERE s.member_id IN (SELECT member_id FROM judged)
)
SELECT count(*) FROM kept"""
)
