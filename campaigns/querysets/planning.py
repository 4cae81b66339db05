"""Planning in one statement: whose paid term ends within the horizon, enrolled once, with all her messages.

The anti-join against running enrollments comes first and on two narrow tables, so that planning again finds nothing
at the price of one index range. Two stages whose size PostgreSQL cannot estimate are never joined: a nested loop over
both would be quadratic. An enrollment is unique, so two planners cannot plan the same occurrence twice.
"""

from functools import cache

from campaigns.lifecycle import MISS, PLAN, REVIVE
from campaigns.querysets.exits import REVIVABLE
from campaigns.querysets.moves import may, target

# ``steps`` are rows (step_key, channel, days_before, local_time, valid_hours) of the definition.
_TEMPLATE = """
WITH steps AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(%(steps)s::jsonb)
    AS (step_key text, channel text, days_before int, local_time time, valid_hours int)
),
candidates AS MATERIALIZED (
  SELECT s.member_id, s.expiration_time, coalesce(nullif(s.time_zone, ''), %(zone)s) AS zone
  FROM members_memberlifecycle s
  WHERE s.expiration_time > %(since)s AND s.expiration_time <= %(until)s AND NOT s.auto_renewal_flag
    AND NOT EXISTS (
      SELECT 1 FROM campaigns_enrollment e
      WHERE e.exited_at IS NULL AND e.campaign_id = %(campaign)s AND e.member_id = s.member_id
        AND e.anchor_at = s.expiration_time)
  ORDER BY s.member_id
),
ending AS MATERIALIZED (
  SELECT c.*, t.id AS term_id, t.booked_at, t.tier_id, t.plan_id,
    (c.expiration_time AT TIME ZONE c.zone)::date AS ends_on
  FROM candidates c
  JOIN members_membershipterm t ON t.member_id = c.member_id AND t.ends_at = c.expiration_time
  WHERE t.kind = ANY(%(kinds)s) AND t.close_reason = ''
),
enrolled AS (
  INSERT INTO campaigns_enrollment AS e
    (member_id, campaign_id, version_id, occurrence, anchor_at, tier_id, entered_at, facts, exit_reason)
  SELECT g.member_id, %(campaign)s, %(version)s, g.term_id, g.expiration_time, g.tier_id, %(at)s, jsonb_build_object(
    'term', g.term_id, 'ends_at', g.expiration_time, 'ends_on', g.ends_on, 'time_zone', g.zone,
    'recorded_at', g.booked_at, 'tier', g.tier_id, 'plan', g.plan_id), ''
  FROM ending g ORDER BY g.member_id
  ON CONFLICT (member_id, campaign_id, occurrence) DO UPDATE
    SET exited_at = NULL, exit_reason = '', goal_at = NULL, entered_at = excluded.entered_at
    WHERE e.exited_at IS NOT NULL
  RETURNING e.member_id, e.occurrence, old.id IS NULL AS is_new, (e.facts->>'ends_on')::date AS ends_on,
    (e.facts->>'recorded_at')::timestamptz AS booked_at, e.facts->>'time_zone' AS zone
),
dated AS (
  SELECT g.member_id, g.occurrence, p.step_key, p.channel, d.due_at,
    d.due_at + make_interval(hours => p.valid_hours) AS expires_at,
    d.due_at < greatest(g.booked_at, %(at)s::timestamptz - %(tolerance)s::interval) AS is_past
  FROM enrolled g
  CROSS JOIN steps p
  CROSS JOIN LATERAL (SELECT ((g.ends_on - p.days_before) + p.local_time) AT TIME ZONE g.zone AS due_at OFFSET 0) d
  WHERE g.is_new
),
planned AS (
  INSERT INTO campaigns_messageintent
    (member_id, campaign_id, version_id, occurrence, step_key, channel, status, reason, due_at, expires_at, planned_at,
     claimed_by, attempts, finished_at, provider_reply, provider_message_id)
  SELECT d.member_id, %(campaign)s, %(version)s, d.occurrence, d.step_key, d.channel,
    CASE WHEN d.is_past THEN {missed} ELSE {planned} END,
    CASE WHEN d.is_past THEN 'past_when_planned' ELSE '' END,
    d.due_at, d.expires_at, %(at)s, '', 0, CASE WHEN d.is_past THEN %(at)s::timestamptz END, '', ''
  FROM dated d
),
back AS MATERIALIZED (
  SELECT i.id, i.reason FROM enrolled n
  JOIN campaigns_messageintent i
    ON i.member_id = n.member_id AND i.campaign_id = %(campaign)s AND i.occurrence = n.occurrence
  WHERE NOT n.is_new AND {may_revive} AND i.reason IN {revivable} AND i.due_at >= %(at)s
  ORDER BY i.id
  FOR UPDATE OF i
),
revived AS (
  UPDATE campaigns_messageintent i SET status = {revived}, reason = '', finished_at = NULL
  FROM back b WHERE i.id = b.id
  RETURNING i.id, b.reason
),
decided AS (
  INSERT INTO campaigns_decision (intent_id, at, move, reason, facts)
  SELECT r.id, %(at)s, 'revive', r.reason, '{{}}' FROM revived r
)
SELECT (SELECT count(*) FROM enrolled WHERE is_new), (SELECT count(*) FROM revived)
"""


@cache
def plan_term_end_sql() -> str:
    """The planning statement; returns one row (enrolled anew, messages revived)."""
    return _TEMPLATE.format(
        missed=target(MISS),
        planned=target(PLAN),
        revived=target(REVIVE),
        may_revive=may(REVIVE, "i"),
        revivable=REVIVABLE,
    )
