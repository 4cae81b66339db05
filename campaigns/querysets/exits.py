"""Why a term's reminders end, in SQL: read by the cancelling statement and again by every claim."""

from functools import cache

from campaigns.lifecycle import EXIT_REASONS, SUPPRESS
from campaigns.querysets.moves import may, target

# ``s`` is the lifecycle row, ``t`` the term that ends. The first that holds is the reason; '' keeps her in.
EXIT_REASON = """CASE
  WHEN t.id IS NULL OR t.voided_at IS NOT NULL THEN 'voided'
  WHEN t.refunded_at IS NOT NULL THEN 'refunded'
  WHEN t.close_reason <> '' THEN 'replaced'
  WHEN EXISTS (SELECT 1 FROM members_membershipterm n
    WHERE n.member_id = t.member_id AND n.starts_at >= t.ends_at AND NOT isempty(n.period)) THEN 'renewed'
  WHEN s.auto_renewal_flag THEN 'auto_renewal_on'
  ELSE '' END"""

# Every change of terms or auto-renewal shows in the hot row, so two narrow tables are compared; terms are read for
# the few who differ. Rows are locked in the order of their ids, as the claim's are.
_CANCEL = """
WITH changed AS MATERIALIZED (
  SELECT e.id, e.member_id, e.campaign_id, e.occurrence, s.auto_renewal_flag
  FROM campaigns_enrollment e JOIN members_memberlifecycle s USING (member_id)
  WHERE e.exited_at IS NULL AND (s.auto_renewal_flag OR s.expiration_time IS DISTINCT FROM e.anchor_at
    OR s.tier_id <> e.tier_id)
),
judged AS MATERIALIZED (
  SELECT s.id, s.member_id, s.campaign_id, s.occurrence, {exit_reason} AS reason
  FROM changed s LEFT JOIN members_membershipterm t ON t.id = s.occurrence
),
ended AS (
  UPDATE campaigns_enrollment e SET exited_at = %(at)s, exit_reason = j.reason,
    goal_at = CASE WHEN j.reason = 'renewed' THEN %(at)s END
  FROM judged j WHERE e.id = j.id AND j.reason <> '' AND e.exited_at IS NULL
  RETURNING e.member_id, e.campaign_id, e.occurrence, e.exit_reason AS reason
),
hit AS MATERIALIZED (
  SELECT i.id, x.reason FROM ended x
  JOIN campaigns_messageintent i USING (member_id, campaign_id, occurrence)
  WHERE {may_suppress}
  ORDER BY i.id
  FOR UPDATE OF i
),
suppressed AS (
  UPDATE campaigns_messageintent i SET status = {suppressed}, reason = h.reason, finished_at = %(at)s,
    claimed_by = '', lease_until = NULL
  FROM hit h WHERE i.id = h.id
  RETURNING i.id, i.reason
),
decided AS (
  INSERT INTO campaigns_decision (intent_id, at, move, reason, facts)
  SELECT id, %(at)s, 'suppress', reason, '{{}}' FROM suppressed
)
SELECT reason, count(*) FROM ended GROUP BY reason
"""


@cache
def cancel_sql() -> str:
    """Ends enrollments whose trigger no longer holds, suppresses their messages; returns (reason, count) rows."""
    return _CANCEL.format(exit_reason=EXIT_REASON, may_suppress=may(SUPPRESS, "i"), suppressed=target(SUPPRESS))


# Two days after the anchor every step's time is over.
FINISH = """
UPDATE campaigns_enrollment SET exited_at = %(at)s, exit_reason = 'finished'
WHERE exited_at IS NULL AND anchor_at < %(at)s::timestamptz - interval '2 days'
"""

REVIVABLE = "(" + ", ".join(f"'{reason.value}'" for reason in EXIT_REASONS) + ")"
