"""The lifecycle engine's one statement: judge members at their due instants, log the moves, write the rows.

LIFECYCLE.md in SQL. Every fact is read as it was known at the instant judged (``booked_at``, ``closed_at``,
``first_at`` and signal times not later than it), so judging late gives the same log as judging on time.
Stages end in ``OFFSET 0``: a pulled-up sub-select would be evaluated once per reference, a materialised one copied.
"""

from dataclasses import dataclass
from functools import cache

from django.apps import apps

from config.engine.moves import guard_sql, source_sql
from members.lifecycle.lifecycle import MOVES, RESUMABLE
from members.people.querysets.days import last_day_sql


@dataclass(frozen=True)
class Tables:
    """Where the engine reads state and writes: the real tables, or a simulation's copies."""

    state: str = "members_memberlifecycle"
    log: str = "members_lifecycletransition"
    tags: str = "members_membertag"


# A row that was changed since the statement began waits for the next round: the fact behind the change may be one that
# this statement does not see, and what it writes would say that nothing is left to look at. Such a row is judged by
# its new version, which is not where the old one was.
DUE = """
due AS MATERIALIZED (
  SELECT s.member_id, s.lifecycle_state, s.resume_state, s.target_rule, s.known_since, s.usage_rate,
    coalesce(nullif(s.time_zone, ''), %(zone)s) AS zone, greatest(s.next_due_at, s.assessed_at) AS at
  FROM {state} s
  WHERE s.next_due_at <= %(at)s AND {scope}
    AND s.ctid = (SELECT seen.ctid FROM {state} seen WHERE seen.member_id = s.member_id)
  ORDER BY s.next_due_at
  LIMIT %(limit)s
  FOR UPDATE SKIP LOCKED
)"""

# Judged at one instant without touching anything: what "why" pages show.
AS_OF = """
due AS MATERIALIZED (
  SELECT s.member_id, s.lifecycle_state, s.resume_state, s.target_rule, s.known_since, s.usage_rate,
    coalesce(nullif(s.time_zone, ''), %(zone)s) AS zone, %(at)s::timestamptz AS at
  FROM {state} s WHERE s.member_id = ANY(%(members)s)
)"""

# One pass over the terms of all due members: a sub-select per member would start a sort and a window for each. Whoever
# is due comes along, with or without terms: joined to them afterwards, a planner that thinks nobody is due would go
# through everybody's terms for each.
#
# A link is cover that counts for the chain: neither a trial nor refunded nor voided. Links follow each other in one
# chain while each starts within the reach of what came before: its end and, once something paid is among them, the
# grace of the last paid one. What was taken back bridges the time that it covered and no more. Each row knows when its
# chain began (``chain_at``). Arrays compare by their first place, then the next: they pick a row's values by another.
_TERMS = """
terms AS NOT MATERIALIZED (
  SELECT v.member_id, any_value(v.at) AS at, any_value(v.zone) AS zone, any_value(v.lifecycle_state) AS lifecycle_state,
    any_value(v.resume_state) AS resume_state, any_value(v.target_rule) AS target_rule,
    any_value(v.known_since) AS known_since, any_value(v.usage_rate) AS usage_rate,
    max(v.id) FILTER (WHERE v.is_now) AS cur_id,
    max(v.order_id) FILTER (WHERE v.is_now) AS cur_order_id,
    max(v.kind) FILTER (WHERE v.is_now) AS cur_kind,
    max(v.tier_id) FILTER (WHERE v.is_now) AS cur_tier_id,
    max(v.starts_at) FILTER (WHERE v.is_now) AS cur_starts_at,
    max(v.end_at) FILTER (WHERE v.is_now) AS cur_ends_at,
    max(v.seconds) FILTER (WHERE v.is_now) AS cur_seconds,
    max(ARRAY[v.chain_at, -v.start_s]) FILTER (WHERE v.is_link AND v.has_begun) AS chain,
    max(ARRAY[v.chain_at, v.start_s, v.grace_days]) FILTER (WHERE v.is_paid AND v.has_begun) AS paid,
    min(v.chain_at) FILTER (WHERE v.is_paid AND v.has_begun) AS first_paid_chain,
    min(ARRAY[coalesce(v.chain_at, 0), -extract(epoch FROM v.end_at)::float8])
      FILTER (WHERE v.is_known AND v.end_at > v.at) AS chain_end,
    min(v.starts_at) FILTER (WHERE v.is_known AND v.starts_at > v.at) AS later_start,
    min(v.starts_at) FILTER (WHERE v.is_known AND v.has_begun) AS first_start,
    max(v.starts_at) FILTER (WHERE v.is_known AND v.has_begun) AS last_start,
    min(v.booked_at) FILTER (WHERE v.is_known) AS first_booked,
    max(v.end_at) FILTER (WHERE v.is_over) AS last_end,
    max(v.end_at) FILTER (WHERE v.is_over AND v.is_link) AS last_link_end,
    bool_or(v.is_over AND v.is_paid) AS had_paid,
    max(v.end_at) FILTER (WHERE v.is_over AND v.reason = 'refund') AS last_refund_end,
    max(v.end_at) FILTER (WHERE v.is_known) AS final_end,
    min(CASE WHEN v.starts_at > v.at THEN v.starts_at WHEN v.end_at > v.at THEN v.end_at END) FILTER (WHERE v.is_known)
      AS next_edge,
    min(least(CASE WHEN v.booked_at > v.at THEN v.booked_at END, CASE WHEN v.closed_at > v.at THEN v.closed_at END,
      CASE WHEN v.refunded_at > v.at THEN v.refunded_at END, CASE WHEN v.voided_at > v.at THEN v.voided_at END
    )) AS next_fact,
    bool_or(v.reason = 'void') AS has_voided,
    bool_or(v.reason IN ('refund', 'void')) AS has_taken_back
  FROM (
    SELECT x.*, max(CASE WHEN x.is_link OR x.is_bridge THEN CASE WHEN x.reach_before >= x.starts_at THEN NULL
      ELSE x.start_s END END) OVER (PARTITION BY x.member_id ORDER BY x.starts_at, x.id) AS chain_at
    FROM (
      SELECT w.*, w.is_known AND w.has_begun AND w.end_at > w.at AS is_now,
        w.is_known AND w.end_at <= w.at AS is_over,
        max(CASE WHEN w.is_link THEN CASE WHEN w.paid_before IS NULL THEN w.end_at
          ELSE (w.end_at AT TIME ZONE w.zone + make_interval(days => w.paid_before[2]::int)) AT TIME ZONE w.zone END
          WHEN w.is_bridge THEN w.end_at END
        ) OVER (PARTITION BY w.member_id ORDER BY w.starts_at, w.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
          AS reach_before
      FROM (
        SELECT u.*, u.is_link AND u.kind = 'paid' AS is_paid,
          max(CASE WHEN u.is_link AND u.kind = 'paid' THEN ARRAY[u.start_s, u.grace_days] END)
            OVER (PARTITION BY u.member_id ORDER BY u.starts_at, u.id) AS paid_before
        FROM (
          SELECT u.*, u.is_told AND u.reason <> 'void' AS is_known,
            u.is_told AND u.kind <> 'trial' AND u.reason NOT IN ('void', 'refund') AS is_link,
            u.is_told AND u.kind <> 'trial' AND u.reason IN ('void', 'refund') AS is_bridge
          FROM (
            SELECT d.*, m.id, coalesce(m.origin_id, m.id) AS order_id, m.kind, m.tier_id,
              m.starts_at, m.booked_at, m.closed_at, m.refunded_at, m.voided_at, m.starts_at <= d.at AS has_begun,
              extract(epoch FROM m.starts_at)::float8 AS start_s,
              coalesce(m.booked_seconds, extract(epoch FROM m.ends_at - m.starts_at))::float8 AS seconds,
              CASE WHEN m.voided_at <= d.at THEN 'void' WHEN m.refunded_at <= d.at THEN 'refund'
                WHEN m.closed_at <= d.at THEN m.close_reason ELSE '' END AS reason,
              CASE WHEN m.closed_at <= d.at THEN least(m.closed_at, m.ends_at) ELSE m.ends_at END AS end_at,
              m.booked_at <= d.at AND
                CASE WHEN m.closed_at <= d.at THEN m.closed_at > m.starts_at ELSE true END AS is_told,
              coalesce(p.grace_days, r.grace_days, %(grace_days)s)::float8 AS grace_days
            FROM due d LEFT JOIN members_membershipterm m ON m.member_id = d.member_id
            LEFT JOIN members_plan p ON p.id = m.plan_id
            LEFT JOIN members_tier r ON r.id = m.tier_id
            OFFSET 0
          ) u
        ) u
        OFFSET 0
      ) w
      OFFSET 0
    ) x
    OFFSET 0
  ) v
  GROUP BY v.member_id
),
signals AS NOT MATERIALIZED (
  SELECT g.member_id,
    coalesce((max(ARRAY[extract(epoch FROM g.at), g.id, (g.kind = 'auto_renewal_on')::int])
      FILTER (WHERE g.at <= d.at AND g.kind <> 'uninstalled'))[3] = 1, false) AS auto_on,
    max(g.at) FILTER (WHERE g.at <= d.at AND g.kind = 'uninstalled') AS uninstalled_at,
    min(g.at) FILTER (WHERE g.at > d.at) AS next_signal
  FROM due d JOIN members_membersignal g ON g.member_id = d.member_id
  GROUP BY g.member_id
),
termed AS NOT MATERIALIZED (
  SELECT t.member_id, t.at, t.zone, t.lifecycle_state, t.resume_state, t.target_rule, t.known_since, t.usage_rate,
    (t.at AT TIME ZONE t.zone)::date AS on_day,
    t.cur_id, t.cur_order_id, t.cur_kind, t.cur_tier_id, t.cur_starts_at, t.cur_ends_at, t.cur_seconds,
    CASE WHEN t.chain IS NOT NULL THEN to_timestamp(-t.chain[2]) END AS cover_since,
    t.later_start, t.first_start, t.last_start, t.first_booked, t.last_end, t.last_link_end,
    CASE WHEN t.paid[1] = t.chain[1] THEN t.paid[3]::int END AS held_days,
    t.cur_id IS NOT NULL AND t.first_paid_chain < t.chain[1] AS is_return,
    CASE WHEN t.cur_id IS NOT NULL THEN to_timestamp(-t.chain_end[2]) ELSE coalesce(t.last_end, t.final_end) END
      AS expires_at,
    coalesce(t.had_paid, false) AS had_paid, coalesce(t.last_refund_end = t.last_end, false) AS is_refund_last,
    t.next_edge, t.next_fact, t.first_start IS NULL AND coalesce(t.has_voided, false) AS was_voided,
    coalesce(t.has_taken_back, false) AS has_taken_back,
    coalesce(g.auto_on, false) AS auto_on, g.uninstalled_at, g.next_signal
  FROM terms t LEFT JOIN signals g ON g.member_id = t.member_id
  OFFSET 0
)"""

# A week begins on Monday: 0001-01-01 was one. date_trunc would go through a time zone and back for each day.
_ACTIVITY = """
active AS NOT MATERIALIZED (
  SELECT t.*,
    CASE WHEN t.is_watched THEN a.active_days END AS active_days,
    CASE WHEN t.is_watched THEN coalesce(a.active_weeks, 0) END AS active_weeks,
    CASE WHEN t.is_watched THEN a.last_on END AS last_on, a.next_activity
  FROM (
    SELECT t.*, t.cur_id IS NOT NULL AND coalesce(%(activity_since)s::timestamptz <= t.at, false) AS is_watched,
      t.on_day - (t.on_day - DATE '0001-01-01') %% 7 AS week_on
    FROM termed t OFFSET 0
  ) t
  CROSS JOIN LATERAL (
    SELECT
      count(*) FILTER (WHERE y.local_on > t.on_day - %(active_window_days)s)::int AS active_days,
      bit_count(bit_or(1 << ((t.week_on - 1 - y.local_on) / 7)) FILTER (
        WHERE y.local_on < t.week_on AND y.local_on >= t.week_on - 7 * %(stable_of_weeks)s
      )::bit(32))::int AS active_weeks,
      max(y.local_on) AS last_on,
      min(y.first_at) FILTER (WHERE y.local_on IS NULL) AS next_activity
    FROM (
      SELECT CASE WHEN d.local_on <= t.on_day AND d.first_at <= t.at THEN d.local_on END AS local_on, d.first_at
      FROM members_activeday d
      WHERE d.member_id = CASE WHEN t.cur_id IS NOT NULL THEN t.member_id END
        AND d.local_on > t.on_day - %(horizon_days)s
    ) y
  ) a
  OFFSET 0
)"""

_DERIVED = f"""
derived AS NOT MATERIALIZED (
  SELECT a.*,
    least(%(expiring_window_days)s, floor(a.term_days * %(expiring_fraction)s::float8)::int) AS window_days,
    a.grace_until > a.at AS is_held, a.is_refund_last AND a.grace_until > a.at IS NOT TRUE AS was_refunded,
    coalesce(a.later_start <= a.cur_held_until, false) AS has_later,
    a.lifecycle_state IS NULL OR (a.lifecycle_state = 'prospect' AND a.first_start < a.first_booked) AS is_placing,
    a.lifecycle_state = 'churned' AND a.target_rule = 'silent' AS was_silent
  FROM (
    SELECT a.*,
      -- Whole days, with room for an hour that the clock skips.
      floor((a.cur_seconds + 7200) / 86400)::int AS term_days,
      -- The last day is that of the instant before the end.
      {last_day_sql("a.cur_ends_at", "a.zone")} AS ends_on,
      (a.cover_since AT TIME ZONE a.zone)::date AS cover_on,
      CASE WHEN a.cur_id IS NULL THEN {last_day_sql("a.last_end", "a.zone")} END
        AS ended_on,
      CASE WHEN a.cur_id IS NULL AND a.held_days IS NOT NULL
        THEN (a.last_link_end AT TIME ZONE a.zone + make_interval(days => a.held_days)) AT TIME ZONE a.zone
      END AS grace_until,
      CASE WHEN a.later_start IS NOT NULL AND a.cur_id IS NOT NULL
        THEN (a.cur_ends_at AT TIME ZONE a.zone + make_interval(days => coalesce(a.held_days, 0))) AT TIME ZONE a.zone
      END AS cur_held_until,
      a.last_end + make_interval(hours => %(settlement_hours)s) AS settled_at,
      CASE WHEN a.is_watched THEN greatest(
        a.last_on, (greatest(a.cover_since, %(activity_since)s::timestamptz, a.known_since) AT TIME ZONE a.zone)::date
      ) END AS quiet_since
    FROM active a OFFSET 0
  ) a
  OFFSET 0
)"""

_JUDGED = """
judged AS NOT MATERIALIZED (
  SELECT d.*,
    d.cur_id IS NULL AND d.auto_on AND d.last_end IS NOT NULL AND d.settled_at > d.at AND NOT d.is_refund_last
      AND (d.lifecycle_state IN ('trial', 'first_paid', 'highly_active', 'stable', 'expiring') OR d.was_silent)
      AS is_settling,
    -- Nobody goes while the tier is held, and who was active since is back.
    d.cur_id IS NULL AND d.uninstalled_at >= d.last_start AND d.is_held IS NOT TRUE AND NOT EXISTS (
      SELECT FROM members_activeday y
      WHERE y.member_id = d.member_id AND y.first_at > d.uninstalled_at AND y.first_at <= d.at
    ) AS is_uninstalled,
    coalesce(d.cur_kind <> 'trial' AND NOT d.auto_on AND NOT d.has_later
      AND d.on_day >= d.ends_on - d.window_days, false) AS is_expiring,
    coalesce(d.cur_kind <> 'trial' AND NOT %(silence_suspended)s
      AND d.on_day - d.quiet_since >= %(silent_days)s, false) AS is_silent,
    CASE
      WHEN d.on_day - d.cover_on >= %(tenure_days)s
        AND (d.quiet_since IS NULL OR d.active_weeks >= %(stable_active_weeks)s) THEN 'stable'
      WHEN d.active_days >= CASE WHEN d.lifecycle_state = 'highly_active'
        THEN %(active_days_keep)s ELSE %(active_days_enter)s END THEN 'highly_active'
      ELSE 'first_paid'
    END AS grown,
    CASE
      WHEN d.resume_state = 'stable' THEN 'stable'
      WHEN d.resume_state = 'highly_active' AND d.active_days >= %(active_days_keep)s THEN 'highly_active'
      ELSE 'first_paid'
    END AS resumed
  FROM derived d
  OFFSET 0
)"""

# (condition, target, rule, whether the same instant must be judged again after the move), first match wins.
_TARGETS = """
    WHEN j.cur_kind = 'trial' THEN ARRAY['trial', CASE WHEN j.lifecycle_state IN
      ('first_paid', 'highly_active', 'stable', 'expiring') THEN 'trial_resumed' ELSE 'trial_term' END, '']
    WHEN j.cur_id IS NOT NULL AND j.is_placing THEN CASE
      WHEN j.is_expiring THEN ARRAY['expiring', 'window', '']
      WHEN j.is_silent THEN ARRAY['churned', 'silent', '']
      ELSE ARRAY[j.grown, {grown_rule}, ''] END
    WHEN j.cur_id IS NOT NULL AND (j.lifecycle_state IN ('prospect', 'trial')
      OR j.lifecycle_state = 'expired' AND NOT (j.resume_state IS NOT NULL AND j.cover_since < j.cur_starts_at)
      OR j.lifecycle_state = 'churned' AND NOT j.was_silent)
      THEN ARRAY['first_paid', 'paid_term',
        CASE WHEN j.is_expiring OR j.is_silent OR j.grown <> 'first_paid' THEN 'again' ELSE '' END]
    WHEN j.cur_id IS NOT NULL AND j.lifecycle_state = 'expired'
      THEN ARRAY[j.resumed, 'resumed', 'again']
    WHEN j.cur_id IS NOT NULL AND j.is_expiring THEN ARRAY['expiring', 'window', '']
    WHEN j.cur_id IS NOT NULL AND j.lifecycle_state = 'expiring' THEN ARRAY[j.resumed, 'resumed', 'again']
    WHEN j.cur_id IS NOT NULL AND j.is_silent THEN ARRAY['churned', 'silent', '']
    WHEN j.cur_id IS NOT NULL AND j.was_silent THEN ARRAY[j.resumed, 'resumed', 'again']
    WHEN j.cur_id IS NOT NULL AND j.lifecycle_state = 'stable' THEN ARRAY['stable', 'tenure', '']
    WHEN j.cur_id IS NOT NULL THEN ARRAY[j.grown, {grown_rule}, '']
    WHEN j.is_settling THEN ARRAY[j.lifecycle_state, CASE WHEN j.was_silent THEN 'silent' ELSE 'settling' END, '']
    WHEN j.first_start IS NULL THEN ARRAY['prospect', CASE WHEN j.was_voided THEN 'all_voided'
      WHEN j.later_start IS NOT NULL THEN 'upcoming' ELSE 'no_term' END, '']
    WHEN j.is_uninstalled AND (j.is_placing OR j.lifecycle_state = 'expired'
      OR j.lifecycle_state = 'churned' AND NOT j.was_silent) THEN ARRAY['churned', 'uninstalled', '']
    WHEN j.on_day - j.ended_on > %(churn_after_days)s AND (j.is_placing OR j.lifecycle_state = 'expired'
      OR j.lifecycle_state = 'churned' AND NOT j.was_silent) THEN ARRAY['churned', 'long_gone', '']
    WHEN j.lifecycle_state = 'churned' AND NOT j.was_silent THEN ARRAY['churned', j.target_rule, '']
    ELSE ARRAY['expired', 'lapsed', CASE WHEN j.lifecycle_state IS DISTINCT FROM 'expired'
      AND (j.is_uninstalled OR j.on_day - j.ended_on > %(churn_after_days)s) THEN 'again' ELSE '' END]"""

_GROWN_RULE = """CASE j.grown WHEN 'stable' THEN 'tenure' WHEN 'highly_active' THEN CASE WHEN j.lifecycle_state =
        'highly_active' THEN 'kept' ELSE 'active_days' END ELSE 'paid_term' END"""

_TARGETED = f"""
targeted AS NOT MATERIALIZED (
  SELECT j.*, CASE {_TARGETS.format(grown_rule=_GROWN_RULE)}
  END AS verdict, CASE WHEN j.is_settling THEN j.last_end ELSE j.last_link_end END AS held_from
  FROM judged j OFFSET 0
)"""

# The next local midnight at which a threshold may be crossed; found as a date, so that one conversion does for all.
_LOOKED = """
looked AS NOT MATERIALIZED (
  SELECT t.*, least(
    CASE WHEN t.is_covered AND NOT t.auto_on AND NOT t.has_later AND t.ends_on - t.window_days > t.on_day
      THEN t.ends_on - t.window_days END,
    CASE WHEN t.is_covered AND t.quiet_since + %(silent_days)s > t.on_day THEN t.quiet_since + %(silent_days)s END,
    CASE WHEN t.is_covered AND t.cover_on + %(tenure_days)s > t.on_day THEN t.cover_on + %(tenure_days)s END,
    CASE WHEN t.is_covered AND t.grown <> 'stable' AND t.active_days > 0 AND t.target IN ('first_paid', 'highly_active')
      AND t.on_day + 7 - t.cover_on >= %(tenure_days)s THEN t.week_on + 7 END,
    CASE WHEN t.target = 'highly_active' AND t.kept_until + %(active_window_days)s > t.on_day
      THEN t.kept_until + %(active_window_days)s END,
    CASE WHEN t.cur_id IS NULL AND t.target = 'expired' AND t.ended_on + %(churn_after_days)s + 1 > t.on_day
      THEN t.ended_on + %(churn_after_days)s + 1 END
  ) AS look_on
  FROM (
    SELECT t.*, t.verdict[1] AS target, coalesce(t.cur_kind <> 'trial' AND NOT t.is_expiring, false) AS is_covered,
      CASE WHEN t.verdict[1] = 'highly_active' THEN (
        SELECT y.local_on FROM members_activeday y
        WHERE y.member_id = t.member_id AND y.local_on <= t.on_day AND y.first_at <= t.at
          AND y.local_on > t.on_day - %(horizon_days)s
        ORDER BY y.local_on DESC OFFSET greatest(%(active_days_keep)s - 1, 0) LIMIT 1
      ) END AS kept_until,
      CASE WHEN t.is_settling OR t.grace_until > t.at THEN (
        SELECT m.tier_id FROM members_membershipterm m
        WHERE m.member_id = t.member_id AND m.booked_at <= t.at AND m.starts_at < t.held_from
          AND CASE WHEN m.closed_at <= t.at THEN least(m.closed_at, m.ends_at) ELSE m.ends_at END = t.held_from
          AND (m.voided_at <= t.at) IS NOT TRUE AND (m.refunded_at <= t.at) IS NOT TRUE
        ORDER BY m.starts_at DESC LIMIT 1
      ) END AS held_tier_id
    FROM targeted t OFFSET 0
  ) t
  OFFSET 0
)"""

# Column names of the lifecycle row, so that a move's guard, compiled for that table, reads this stage instead.
_DECIDED = """
decided AS MATERIALIZED (
  SELECT q.*, {log_id} AS log_id
  FROM (
  SELECT r.*, {move_case} AS move
  FROM (
    SELECT t.member_id, t.lifecycle_state, t.resume_state, t.target AS target_state, t.verdict[2] AS target_rule,
      t.verdict[3] = 'again' AS is_chained, t.at, t.on_day, t.usage_rate, t.auto_on AS auto_renewal_flag,
      CASE
        WHEN t.cur_kind = 'trial' THEN 'trialing'
        WHEN t.cur_id IS NOT NULL OR t.is_settling THEN 'active'
        WHEN t.first_start IS NULL THEN 'none'
        WHEN t.grace_until > t.at THEN 'grace'
        ELSE 'expired'
      END AS membership_status,
      coalesce(t.cur_tier_id, t.held_tier_id) AS tier_id,
      coalesce(t.cur_starts_at, t.first_start) AS activation_time,
      t.expires_at AS expiration_time,
      t.cur_id, t.cur_order_id, t.cur_kind, t.is_return, t.has_taken_back, t.is_held,
      t.cover_on, t.ends_on, t.window_days, t.has_later, t.active_days, t.active_weeks,
      t.last_on, t.quiet_since, t.ended_on, t.uninstalled_at, t.had_paid, t.was_refunded, t.grown,
      t.grace_until,
      least(
        t.next_edge, t.next_fact, t.next_signal, t.next_activity,
        CASE WHEN t.is_settling THEN t.settled_at END,
        CASE WHEN t.grace_until > t.at THEN t.grace_until END,
        t.look_on::timestamp AT TIME ZONE t.zone
      ) AS next_look
    FROM looked t
    OFFSET 0
  ) r
  OFFSET 0
  ) q
)"""

_WRITE = """
logged AS (
  INSERT INTO {log}
    (id, member_id, from_state, to_state, move, rule, policy_id, effective_at, recorded_at, facts, actor_id)
  SELECT d.log_id, d.member_id, d.lifecycle_state, d.target_state, d.move, d.target_rule, %(policy)s, d.at,
         %(recorded_at)s, {facts}, %(actor)s
  FROM decided d WHERE d.move IS NOT NULL
  RETURNING from_state, to_state
),
written AS (
  UPDATE {state} s SET
    lifecycle_state = CASE WHEN d.log_id IS NULL THEN d.lifecycle_state ELSE d.target_state END,
    transition_id = coalesce(d.log_id, s.transition_id),
    state_since = CASE WHEN d.log_id IS NULL THEN s.state_since ELSE d.at END,
    resume_state = CASE WHEN d.log_id IS NULL THEN d.resume_state ELSE {resume} END,
    target_state = d.target_state,
    target_rule = d.target_rule,
    membership_status = d.membership_status,
    tier_id = d.tier_id,
    activation_time = d.activation_time,
    expiration_time = d.expiration_time,
    auto_renewal_flag = d.auto_renewal_flag,
    assessed_at = d.at,
    next_due_at = CASE WHEN d.log_id IS NOT NULL AND d.is_chained THEN d.at ELSE d.next_look END,
    brake_id = NULL
  FROM decided d WHERE s.member_id = d.member_id
  RETURNING s.next_due_at <= %(at)s AS is_due_again
)"""

_RESUME = """CASE
      WHEN d.target_state = 'expiring' OR d.target_rule = 'silent' THEN CASE
        WHEN d.lifecycle_state IN {live} THEN d.lifecycle_state
        WHEN d.lifecycle_state IS NULL OR d.lifecycle_state = 'prospect' THEN d.grown
        ELSE d.resume_state END
      WHEN d.target_state = 'expired' AND NOT d.was_refunded THEN CASE
        WHEN d.lifecycle_state IN {live} THEN d.lifecycle_state
        WHEN d.lifecycle_state IS NULL OR d.lifecycle_state = 'prospect'
          THEN CASE WHEN d.is_held THEN 'first_paid' END
        ELSE d.resume_state END
    END"""

_TAGS = """
tagged AS (
  INSERT INTO {tags} AS g (member_id, code, since, said_by, evidence)
  SELECT d.member_id, c.code, d.at, '{{engine}}',
    jsonb_build_object('state', d.target_state, 'active_days', d.active_days, 'order', d.cur_order_id)
  FROM (
    SELECT d.* FROM decided d
    WHERE d.move IN ('start_paid', 'win_back') OR d.cur_kind = 'gift' OR d.target_state IN ('trial', 'stable') OFFSET 0
  ) d
  CROSS JOIN LATERAL (
    SELECT 'returned' AS code WHERE d.move IN ('start_paid', 'win_back')
      AND d.lifecycle_state IN ('expired', 'churned', 'trial') AND d.is_return AND d.cur_kind IN ('paid', 'gift')
    UNION ALL SELECT 'gifted' WHERE d.move IS NOT NULL AND d.target_state = 'first_paid' AND d.cur_kind = 'gift'
      AND d.target_rule = 'paid_term'
    UNION ALL SELECT 'high_frequency' WHERE d.target_state = 'trial' AND d.active_days >= %(active_days_enter)s
    UNION ALL SELECT 'low_use' WHERE d.target_state = 'stable' AND d.active_days < %(active_days_keep)s
  ) c
  ON CONFLICT {conflict}
),
untagged AS (
  UPDATE {tags} g SET {ended} FROM decided d
  WHERE g.member_id = d.member_id AND g.until IS NULL AND 'engine' = ANY(g.said_by)
    AND (g.code = 'low_use' AND (d.target_state <> 'stable' OR d.active_days >= %(active_days_keep)s)
      OR g.code = 'high_frequency' AND d.lifecycle_state = 'trial' AND d.target_state <> 'trial')
    AND (d.active_days IS NOT NULL OR d.lifecycle_state IN ('trial', 'stable'))
),
withdrawn AS (
  UPDATE {tags} g SET {ended} FROM decided d
  WHERE d.has_taken_back AND g.member_id = d.member_id AND g.until IS NULL AND g.code = 'returned'
    AND 'engine' = ANY(g.said_by) AND EXISTS (
    SELECT FROM members_membershipterm m
    WHERE m.id = (g.evidence ->> 'order')::bigint AND least(m.refunded_at, m.voided_at) <= d.at)
)"""

# What a person or a rule says too is carried on; a copy of the table has no conflicts, nor the index that finds them.
_ENDED = """said_by = array_remove(g.said_by, 'engine'),
    until = CASE WHEN g.given_at IS NULL AND g.said_by = '{engine}' THEN d.at END"""
_CONFLICT = """(member_id, code) WHERE until IS NULL DO UPDATE SET said_by = g.said_by || '{engine}'
    WHERE NOT 'engine' = ANY(g.said_by)"""

# Two short documents instead of one that is half empty: building one costs by the field.
FACTS = """(CASE WHEN d.cur_id IS NOT NULL THEN JSON_OBJECT(
    'term': d.cur_id, 'kind': d.cur_kind, 'ends_on': d.ends_on, 'days_left': d.ends_on - d.on_day,
    'window_days': d.window_days, 'auto_renewal': d.auto_renewal_flag, 'later_term': d.has_later,
    'active_days': d.active_days, 'active_weeks': d.active_weeks, 'last_active_on': d.last_on,
    'quiet_since': d.quiet_since, 'tenure_days': d.on_day - d.cover_on, 'uninstalled_at': d.uninstalled_at,
    'resume_state': d.resume_state,
    'conversion': CASE WHEN d.target_state = 'first_paid' AND d.cur_kind = 'paid'
      AND (NOT d.had_paid OR d.lifecycle_state = 'trial')
      AND d.lifecycle_state IN ('prospect', 'trial', 'expired', 'churned') THEN true END
    ABSENT ON NULL RETURNING jsonb)
    ELSE JSON_OBJECT(
    'auto_renewal': d.auto_renewal_flag, 'later_term': d.has_later, 'ended_on': d.ended_on,
    'days_out': d.on_day - d.ended_on, 'grace_until': d.grace_until, 'uninstalled_at': d.uninstalled_at,
    'resume_state': d.resume_state ABSENT ON NULL RETURNING jsonb) END)"""

_ROUND_END = """
SELECT l.from_state, l.to_state, count(*)::int, 0 FROM logged l GROUP BY 1, 2
UNION ALL SELECT NULL, NULL, count(*)::int, (count(*) FILTER (WHERE w.is_due_again))::int FROM written w"""


@cache
def _move_case() -> str:
    """``CASE`` naming the declared move for a judged row, each guard compiled by the ORM from the Move table."""
    # Through the registry: the model is made after its queryset.
    model = apps.get_model("members", "MemberLifecycle")
    lines = "\n      ".join(
        f"WHEN {source_sql(move, 'r.lifecycle_state')} AND {guard_sql(model, move, 'r')} THEN '{move.name}'"
        for move in MOVES
    )
    return f"CASE WHEN r.target_state = r.lifecycle_state THEN NULL\n      {lines}\n    END"


def _stages(due: str, log_id: str) -> str:
    decided = _DECIDED.replace("{move_case}", _move_case()).replace("{log_id}", log_id)
    return "WITH " + ",".join([due, _TERMS, _ACTIVITY, _DERIVED, _JUDGED, _TARGETED, _LOOKED, decided])


def round_sql(tables: Tables, *, only_members: bool) -> str:
    """One round over due members: rows (from, to, moves, 0), and a last one (NULL, NULL, judged, of them due again)."""
    scope = "s.member_id = ANY(%(members)s)" if only_members else "s.brake_id IS NULL"
    live = "(" + ", ".join(f"'{state.value}'" for state in RESUMABLE) + ")"
    write = _WRITE.format(log=tables.log, state=tables.state, facts=FACTS, resume=_RESUME.format(live=live))
    # Known before the rows are written, so that the state row can name its log row without waiting for it.
    log_id = f"CASE WHEN q.move IS NOT NULL THEN nextval('{tables.log}_id_seq') END"
    stages = _stages(DUE.format(state=tables.state, scope=scope), log_id)
    conflict = _CONFLICT if tables.tags == Tables.tags else "DO NOTHING"
    return ",".join([stages, write, _TAGS.format(tags=tables.tags, ended=_ENDED, conflict=conflict)]) + _ROUND_END


def copy_sql(tables: Tables) -> str:
    """Copies of every member's row into ``tables.state``, with what is so before the simulation beside it."""
    return (
        f"CREATE TEMP TABLE {tables.state} ON COMMIT DROP AS SELECT *, lifecycle_state AS was_state, "
        f"membership_status AS was_status, tier_id AS was_tier_id FROM {Tables.state}"
    )


def changes_sql(tables: Tables) -> str:
    """Whom a simulation changed in ``tables``: rows (member, ``state`` or ``standing``, before, after).

    A standing is the status and the tier's number, or ``none``; it may change whether or not the state does.
    """
    was, now = (
        f"{status} || ':' || coalesce({tier}::text, 'none')"
        for status, tier in (("s.was_status", "s.was_tier_id"), ("s.membership_status", "s.tier_id"))
    )
    return (
        "SELECT s.member_id, 'state' AS what, s.was_state AS before, s.lifecycle_state AS after "
        f"FROM {tables.state} s WHERE s.was_state <> s.lifecycle_state UNION ALL "
        f"SELECT s.member_id, 'standing', {was}, {now} FROM {tables.state} s WHERE s.was_state IS NOT NULL "
        "AND (s.was_status <> s.membership_status OR s.was_tier_id IS DISTINCT FROM s.tier_id)"
    )


def explain_sql() -> str:
    """What the engine would decide for ``members`` at ``at``, with the facts it sees; writes nothing."""
    return (
        _stages(AS_OF.format(state=Tables.state), "NULL")
        + f"\nSELECT d.member_id, d.lifecycle_state, d.target_state, d.target_rule, d.move, {FACTS}, d.next_look"
        + "\nFROM decided d ORDER BY d.member_id"
    )
