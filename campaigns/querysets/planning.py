"""Planning in one statement a campaign: who is due within the horizon, enrolled once, with all their messages.

The anti-join against running enrollments comes first and on narrow tables, so that planning again finds nothing at the
price of one index range. Two stages whose size PostgreSQL cannot estimate are never joined: a nested loop over both
would be quadratic. An enrollment is unique, so two planners cannot plan the same occurrence twice.

Two triggers are planned here, both about the last day of cover that nothing follows:

- ``term_end``: days before it. An occurrence is the order of the unbroken cover that was paid last, without one the
  order it began with. A last day that moves by no more than the earliest step is the same occurrence, and what is
  pending follows it; one that moves further is a new occurrence, named by the row that now ends the cover. What was
  sent stays sent.
- ``renewal_failed``: an automatic renewal was declined and nothing was bought since. An occurrence is that signal; its
  step is due at the first local time of the step at which both the failure and the end are past, while grace lasts;
  at once where none is left in it.
"""

from functools import cache

from campaigns.lifecycle import MISS, PLAN, REVIVE
from campaigns.querysets.exits import REVIVABLE
from campaigns.querysets.moves import may, target
from members.people.querysets.days import last_day_sql
from members.terms.unbroken import unbroken_sql

# Behind the horizon are only those whose end has moved there.
_ENDING = """
  SELECT s.member_id, s.expiration_time AS ends_at, z.zone, NULL::bigint AS signal_id, NULL::timestamptz AS failed_at
  FROM members_memberlifecycle s
  CROSS JOIN LATERAL (SELECT coalesce(nullif(s.time_zone, ''), %(zone)s) AS zone) z
  WHERE s.expiration_time > %(at)s AND s.expiration_time <= %(until)s AND NOT s.auto_renewal_flag
    AND NOT EXISTS (
      SELECT 1 FROM campaigns_enrollment e
      WHERE e.exited_at IS NULL AND e.campaign_id = %(campaign)s AND e.member_id = s.member_id
        AND e.anchor_at = s.expiration_time AND e.time_zone = z.zone)
  UNION ALL
  SELECT s.member_id, s.expiration_time, z.zone, NULL, NULL
  FROM campaigns_enrollment e
  JOIN members_memberlifecycle s ON s.member_id = e.member_id
  CROSS JOIN LATERAL (SELECT coalesce(nullif(s.time_zone, ''), %(zone)s) AS zone) z
  WHERE e.exited_at IS NULL AND e.campaign_id = %(campaign)s AND NOT s.auto_renewal_flag
    AND s.expiration_time > %(until)s
    AND s.expiration_time <= e.anchor_at + make_interval(days => %(reach_days)s + 1)
    AND (e.anchor_at <> s.expiration_time OR e.time_zone <> z.zone)
  ORDER BY member_id"""

# Who runs already is looked at again: the end or the zone may have moved.
_FAILED = """
  SELECT s.member_id, s.expiration_time AS ends_at, z.zone, g.signal_id, g.failed_at
  FROM (
    SELECT f.member_id, f.id AS signal_id, f.at AS failed_at FROM members_membersignal f
    WHERE f.kind = 'renewal_failed' AND f.at > %(since)s AND f.at <= %(at)s
      AND NOT EXISTS (
        SELECT 1 FROM members_membersignal n
        WHERE n.member_id = f.member_id AND n.at >= f.at AND n.id > f.id AND n.kind <> 'uninstalled')
      AND NOT EXISTS (
        SELECT 1 FROM members_membershipterm n
        WHERE n.member_id = f.member_id AND n.kind = 'paid' AND n.origin_id IS NULL AND n.booked_at > f.at
          AND n.voided_at IS NULL AND n.refunded_at IS NULL)
    UNION
    SELECT e.member_id, e.occurrence, (e.facts->>'failed_at')::timestamptz FROM campaigns_enrollment e
    WHERE e.campaign_id = %(campaign)s AND e.exited_at IS NULL
  ) g
  JOIN members_memberlifecycle s ON s.member_id = g.member_id AND NOT s.auto_renewal_flag
  CROSS JOIN LATERAL (SELECT coalesce(nullif(s.time_zone, ''), %(zone)s) AS zone) z
  WHERE NOT EXISTS (
      SELECT 1 FROM campaigns_enrollment e
      WHERE e.member_id = g.member_id AND e.campaign_id = %(campaign)s AND e.occurrence = g.signal_id
        AND (e.exited_at IS NOT NULL OR e.anchor_at = s.expiration_time AND e.time_zone = z.zone))
  ORDER BY member_id"""

# The occurrence, its due instant and the latest at which its messages are still true.
_OCCURRENCE = {
    "term_end": "coalesce(k.same, CASE WHEN k.is_taken THEN c.row_id ELSE c.order_id END)",
    "renewal_failed": "c.signal_id",
}
_DUE = {
    "term_end": "((g.last_on - p.days_before) + p.local_time) AT TIME ZONE g.zone",
    "renewal_failed": """(
        SELECT CASE WHEN l.next_at < u.true_until THEN l.next_at ELSE greatest(g.failed_at, g.ends_at) END
        FROM (
          SELECT (l.t::date + (l.t::time > p.local_time)::int + p.local_time) AT TIME ZONE g.zone AS next_at
          FROM (SELECT greatest(g.failed_at, g.ends_at) AT TIME ZONE g.zone AS t) l
        ) l)""",
}
_TRUE_UNTIL = {
    "term_end": "g.ends_at",
    # Where no grace follows, two days are left for telling.
    "renewal_failed": """(g.ends_at AT TIME ZONE g.zone + make_interval(days => coalesce(nullif(g.grace_days, 0), 2))
        ) AT TIME ZONE g.zone""",
}

# Whole days for which the tier is held after the end; asked for where the due instant hangs on it.
_GRACE_DAYS = {
    "term_end": "NULL::int",
    "renewal_failed": """((SELECT h.held_until FROM members_hold(c.member_id, c.ends_at, c.zone, %(grace_days)s) h)
        AT TIME ZONE c.zone)::date - (c.ends_at AT TIME ZONE c.zone)::date""",
}

# ``steps`` are rows (step_key, channel, days_before, local_time, valid_hours) of the definition. A term's reminders
# begin no earlier than its expiring window: that of the longer of the order the occurrence is of and the last one.
_TEMPLATE = """
WITH steps AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(%(steps)s::jsonb)
    AS (step_key text, channel text, days_before int, local_time time, valid_hours int)
),
candidates AS MATERIALIZED ({candidates}
),
covered AS MATERIALIZED (
  SELECT c.*, {last_day} AS last_on, t.id AS row_id, t.tier_id, t.plan_id, t.booked_at, o.order_id,
    {grace_days} AS grace_days,
    least(%(window_days)s, floor(floor((
      SELECT max(coalesce(b.booked_seconds, extract(epoch FROM b.ends_at - b.starts_at))) + 7200
      FROM members_membershipterm b WHERE b.id IN (t.id, o.order_id)
    ) / 86400) * %(window_fraction)s::float8)::int) AS window_days
  FROM candidates c
  JOIN members_membershipterm t ON t.member_id = c.member_id AND t.given_until = c.ends_at AND t.kind = ANY(%(kinds)s)
  -- A paid order that was never moved was bought last; only else the whole cover is read.
  CROSS JOIN LATERAL (SELECT t.kind = 'paid' AND t.refunded_at IS NULL AND t.origin_id IS NULL AS is_last OFFSET 0) k
  LEFT JOIN LATERAL (SELECT * FROM ({unbroken}) u WHERE NOT k.is_last) v ON true
  CROSS JOIN LATERAL (
    SELECT CASE WHEN k.is_last THEN t.id ELSE coalesce(v.paid_order, v.first_order) END AS order_id
  ) o
  OFFSET 0
),
known AS MATERIALIZED (
  SELECT c.*, {occurrence} AS occurrence
  FROM covered c CROSS JOIN LATERAL (
    SELECT max(e.occurrence) FILTER (
        WHERE (e.facts->>'order')::bigint = c.order_id
          AND abs((e.facts->>'ends_on')::date - c.last_on) <= %(reach_days)s
      ) AS same,
      coalesce(bool_or(e.occurrence = c.order_id), false) AS is_taken
    FROM campaigns_enrollment e WHERE e.member_id = c.member_id AND e.campaign_id = %(campaign)s
  ) k
),
enrolled AS (
  INSERT INTO campaigns_enrollment AS e
    (member_id, campaign_id, version_id, occurrence, anchor_at, time_zone, tier_id, entered_at, facts, exit_reason)
  SELECT g.member_id, %(campaign)s, %(version)s, g.occurrence, g.ends_at, g.zone, g.tier_id, %(at)s, jsonb_build_object(
    'order', g.order_id, 'term', g.row_id, 'ends_at', g.ends_at, 'ends_on', g.last_on, 'time_zone', g.zone,
    'recorded_at', g.booked_at, 'tier', g.tier_id, 'plan', g.plan_id, 'window_days', g.window_days,
    'reach_days', %(reach_days)s::int, 'grace_days', g.grace_days, 'failed_at', g.failed_at), ''
  FROM known g ORDER BY g.member_id
  ON CONFLICT (member_id, campaign_id, occurrence) DO UPDATE
    SET exited_at = NULL, exit_reason = '', goal_at = NULL, anchor_at = excluded.anchor_at,
      time_zone = excluded.time_zone, tier_id = excluded.tier_id, facts = excluded.facts,
      entered_at = CASE WHEN e.exited_at IS NULL THEN e.entered_at ELSE excluded.entered_at END
    WHERE e.exited_at IS NOT NULL OR e.anchor_at <> excluded.anchor_at OR e.time_zone <> excluded.time_zone
  RETURNING e.member_id, e.occurrence, old.id IS NULL AS is_new, (e.facts->>'ends_on')::date AS last_on,
    e.anchor_at AS ends_at, e.time_zone AS zone, (e.facts->>'window_days')::int AS window_days,
    (e.facts->>'grace_days')::int AS grace_days, (e.facts->>'failed_at')::timestamptz AS failed_at,
    old.anchor_at = e.anchor_at AND old.time_zone <> e.time_zone AS is_moved_only
),
dated AS (
  SELECT d.*, d.expires_at <= %(at)s OR coalesce(lead(d.due_at) OVER w <= %(at)s, false) AS is_past,
    coalesce(d.days_before > d.window_days, false) AS is_early
  FROM (
    SELECT g.member_id, g.occurrence, g.is_new, g.is_moved_only, g.window_days, p.step_key, p.channel, p.days_before,
      p.valid_hours, l.due_at, u.true_until,
      least(l.due_at + make_interval(hours => p.valid_hours), u.true_until) AS expires_at
    FROM enrolled g
    CROSS JOIN steps p
    CROSS JOIN LATERAL (SELECT {true_until} AS true_until OFFSET 0) u
    CROSS JOIN LATERAL (SELECT {due} AS due_at OFFSET 0) l
  ) d
  WINDOW w AS (PARTITION BY d.member_id, d.occurrence, d.channel ORDER BY d.due_at)
),
planned AS (
  INSERT INTO campaigns_messageintent
    (member_id, campaign_id, version_id, occurrence, step_key, channel, status, reason, due_at, expires_at, planned_at,
     claimed_by, attempts, finished_at, provider_reply, provider_message_id)
  SELECT d.member_id, %(campaign)s, %(version)s, d.occurrence, d.step_key, d.channel,
    CASE WHEN d.is_early OR d.is_past THEN {missed} ELSE {planned} END,
    CASE WHEN d.is_early THEN 'before_window' WHEN d.is_past THEN 'past_when_planned' ELSE '' END,
    d.due_at, d.expires_at, %(at)s, '', 0, CASE WHEN d.is_early OR d.is_past THEN %(at)s::timestamptz END, '', ''
  FROM dated d WHERE d.is_new
),
followed AS MATERIALIZED (
  SELECT i.id, i.status, i.reason, i.status <> 'pending' AS is_back,
    d.is_past AND d.is_moved_only AND i.expires_at > %(at)s AS is_overdue,
    d.due_at, d.expires_at, d.valid_hours, d.true_until
  FROM dated d
  JOIN campaigns_messageintent i
    ON i.member_id = d.member_id AND i.campaign_id = %(campaign)s AND i.occurrence = d.occurrence
      AND i.step_key = d.step_key
  WHERE NOT d.is_new
    AND (i.status = 'pending' OR {may_revive} AND i.reason IN {revivable} AND NOT d.is_past AND NOT d.is_early)
  ORDER BY i.id
  FOR UPDATE OF i
),
moved AS (
  -- Who only lives elsewhere now gets at once what would have been due there already.
  UPDATE campaigns_messageintent i SET
    status = CASE WHEN f.is_back THEN {revived} ELSE i.status END,
    reason = CASE WHEN f.is_back THEN '' ELSE i.reason END,
    finished_at = CASE WHEN f.is_back THEN NULL ELSE i.finished_at END,
    due_at = CASE WHEN f.is_overdue THEN %(at)s ELSE f.due_at END,
    expires_at = CASE WHEN f.is_overdue
      THEN least(%(at)s::timestamptz + make_interval(hours => f.valid_hours), f.true_until) ELSE f.expires_at END
  FROM followed f WHERE i.id = f.id
  RETURNING i.id, f.is_back, f.reason
),
decided AS (
  INSERT INTO campaigns_decision (intent_id, at, move, reason, facts)
  SELECT r.id, %(at)s, 'revive', r.reason, '{{}}' FROM moved r WHERE r.is_back
)
SELECT (SELECT count(*) FROM enrolled WHERE is_new), (SELECT count(*) FROM moved WHERE is_back),
  (SELECT count(*) FROM moved WHERE NOT is_back)
"""


@cache
def plan_sql(trigger: str) -> str:
    """The planning statement of campaigns with a kind of trigger, ``term_end`` or ``renewal_failed``.

    It returns one row (enrolled anew, messages revived, messages moved to another instant).
    """
    return _TEMPLATE.format(
        candidates={"term_end": _ENDING, "renewal_failed": _FAILED}[trigger],
        occurrence=_OCCURRENCE[trigger],
        due=_DUE[trigger],
        true_until=_TRUE_UNTIL[trigger],
        grace_days=_GRACE_DAYS[trigger],
        last_day=last_day_sql("c.ends_at", "c.zone"),
        unbroken=unbroken_sql("c.member_id", "c.ends_at"),
        missed=target(MISS),
        planned=target(PLAN),
        revived=target(REVIVE),
        may_revive=may(REVIVE, "i"),
        revivable=REVIVABLE,
    )
