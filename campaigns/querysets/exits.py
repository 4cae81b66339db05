"""Why a term's reminders end, in SQL: read by the cancelling statement and again by every claim."""

from functools import cache

from campaigns.lifecycle import EXIT_REASONS, SUPPRESS
from campaigns.querysets.moves import may, target
from members.people.querysets.days import last_day_sql
from members.terms.unbroken import unbroken_sql

# The order paid last in the cover that ends now.
_PAID_NOW = f"""(SELECT w.paid_order FROM ({unbroken_sql("e.member_id", "s.expiration_time")}) w)"""

# ``s`` is the lifecycle row, ``e`` the enrollment and ``o`` the first row of its order. The first that holds is the
# reason; '' keeps the member in, and planning moves what is pending to the other end. A term that starts later than the
# grace of this end is no renewal: the lifecycle row knows the others, its end lies behind them.
EXIT_REASON = f"""CASE
  WHEN o.id IS NULL OR o.voided_at IS NOT NULL THEN 'voided'
  WHEN o.refunded_at IS NOT NULL THEN 'refunded'
  WHEN s.auto_renewal_flag THEN 'auto_renewal_on'
  WHEN s.expiration_time = e.anchor_at THEN ''
  WHEN {_PAID_NOW} <> o.id THEN 'renewed'
  WHEN s.expiration_time IS NULL
    OR abs({last_day_sql("s.expiration_time", "e.time_zone")} - (e.facts->>'ends_on')::date)
      > (e.facts->>'reach_days')::int THEN 'replaced'
  ELSE '' END"""

ORDER_OF = "members_membershipterm o ON o.id = (e.facts->>'order')::bigint"

# Every change of terms or auto-renewal shows in the hot row, so two narrow tables are compared; terms are read for
# the few who differ. Rows are locked in the order of their ids, as the claim's are.
_CANCEL = """
WITH changed AS MATERIALIZED (
  SELECT e.id, e.member_id, e.campaign_id, e.occurrence, e.anchor_at, e.time_zone, e.facts, s.auto_renewal_flag,
    s.expiration_time
  FROM campaigns_enrollment e JOIN members_memberlifecycle s USING (member_id)
  WHERE e.exited_at IS NULL{narrowed} AND (s.auto_renewal_flag OR s.expiration_time IS DISTINCT FROM e.anchor_at
    OR s.tier_id <> e.tier_id)
),
judged AS MATERIALIZED (
  SELECT e.id, e.member_id, e.campaign_id, e.occurrence, {exit_reason} AS reason
  FROM changed e JOIN changed s ON s.id = e.id LEFT JOIN {order_of}
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
def cancel_sql(*, of_member: bool = False) -> str:
    """Ends enrollments whose trigger no longer holds, suppresses their messages; returns (reason, count) rows.

    ``of_member``: of the one ``member`` alone.
    """
    return _CANCEL.format(
        narrowed=" AND e.member_id = %(member)s" if of_member else "",
        exit_reason=EXIT_REASON,
        order_of=ORDER_OF,
        may_suppress=may(SUPPRESS, "i"),
        suppressed=target(SUPPRESS),
    )


# Two days after the anchor every step's time is over, but for one that waits for grace.
FINISH = """
UPDATE campaigns_enrollment e SET exited_at = %(at)s, exit_reason = 'finished'
WHERE e.exited_at IS NULL AND e.anchor_at < %(at)s::timestamptz - interval '2 days' AND NOT EXISTS (
  SELECT 1 FROM campaigns_messageintent i
  WHERE i.member_id = e.member_id AND i.campaign_id = e.campaign_id AND i.occurrence = e.occurrence
    AND i.status IN ('pending', 'claimed') AND i.expires_at > %(at)s)
"""

REVIVABLE = "(" + ", ".join(f"'{reason.value}'" for reason in EXIT_REASONS) + ")"
