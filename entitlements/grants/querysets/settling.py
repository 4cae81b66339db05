"""The statements that settle members: from where their benefits come, who gains and loses what, and the balances.

Run in this order inside one transaction over the members in the temporary table ``settling``. Each later one sees
what the earlier wrote. Instants and periods are those of ``entitlements.grants.rules``.
"""

from entitlements.benefits.querysets.anchors import ANCHOR
from entitlements.benefits.querysets.levels import best_level
from entitlements.grants.querysets import offered
from entitlements.grants.querysets.facts import seen
from entitlements.grants.querysets.units import numbers

# One transaction's members and where their benefits come from. ``source`` and ``source_id`` are those of their grants.
MAKE_TABLE = """
CREATE TEMPORARY TABLE settling (
  member_id bigint NOT NULL, zone text, is_member boolean NOT NULL, via text, tier_id bigint, plan_id bigint,
  term_id bigint, term_starts_at timestamptz, since timestamptz, until timestamptz, earned_at timestamptz,
  cover_starts timestamptz[], cover_ends timestamptz[], cover_days integer[], look_at timestamptz,
  ladder_id bigint, source_id bigint, came_at timestamptz, seen bigint
) ON COMMIT DROP"""

# Terms and tiers change in place and by many hands; their logs say whose did since the cursor.
_NOTE = """
WITH changed AS (
  SELECT DISTINCT member_id FROM {log}
  WHERE changed_xid >= %(after)s::text::xid8 AND changed_xid < %(upto)s::text::xid8
)
INSERT INTO entitlements_standing AS s (member_id, via, next_due_at)
SELECT c.member_id, 'free', %(at)s FROM changed c JOIN members_memberlifecycle USING (member_id)
ON CONFLICT (member_id) DO UPDATE SET next_due_at = least(s.next_due_at, excluded.next_due_at)"""
NOTES = {
    "terms": _NOTE.format(log="members_membershipterm"),
    "tiers": _NOTE.format(log="entitlements_tierstanding"),
}

# Members nobody has looked at yet, such as those who never bought anything.
ADOPT = """
INSERT INTO entitlements_standing (member_id, via, next_due_at)
SELECT l.member_id, 'free', %(at)s FROM members_memberlifecycle l
WHERE NOT EXISTS (SELECT FROM entitlements_standing s WHERE s.member_id = l.member_id)
LIMIT %(limit)s ON CONFLICT DO NOTHING"""

# A row that was changed since the statement began waits for the next round: the fact behind the change may be one that
# this statement does not see, and what is written in the end would say that nothing is left to look at. Such a row is
# judged by its new version, which is not where the old one was.
CLAIM_DUE = """
SELECT s.member_id, s.via, s.since, s.until, s.settled_at FROM entitlements_standing s WHERE s.next_due_at <= %(at)s
  AND s.ctid = (SELECT old.ctid FROM entitlements_standing old WHERE old.member_id = s.member_id)
ORDER BY s.next_due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED"""

# The named are locked by a statement of its own, so that the next one sees what was written while it waited.
LOCK_NAMED = """
SELECT FROM entitlements_standing WHERE member_id = ANY(%(members)s) ORDER BY member_id FOR UPDATE"""

CLAIM_NAMED = """
SELECT member_id, via, since, until, settled_at FROM entitlements_standing WHERE member_id = ANY(%(members)s)"""

ENROL_NAMED = """
INSERT INTO entitlements_standing (member_id, via)
SELECT member_id, 'free' FROM members_memberlifecycle WHERE member_id = ANY(%(members)s)
ON CONFLICT DO NOTHING"""

# The latest term that has begun decides: it covers, or it is history. Behind the cover the last link of the chain does,
# while the grace holds: ``members_hold``, for those without cover alone.
# A renewal goes by the ladder that was locked for it. A tier she earned or was given counts while it is the higher one.
# Usage periods are counted from the first day of the membership: the member's terms until then say which that is. One
# that was voided gave what it gave until then. A benefit once a term is counted from where its order first ran, however
# often the order was set aside and came back.
# What follows on a source begins where that one ended, however late it is looked at: an earned tier when the higher one
# of a term is over, the free tier when the last of both is; what it gives somebody new begins when the person came.
# LIMIT 1 has that read by member: hashed, it is everybody.
FIND_SOURCES = (
    """
INSERT INTO settling
SELECT f.member_id, f.zone, f.is_member, CASE WHEN q.id IS NULL THEN f.via ELSE 'tier' END,
  coalesce(q.id, f.tier_id), f.plan_id, f.term_id, f.term_starts_at,
  CASE WHEN q.id IS NOT NULL AND f.term_id IS NULL AND q.position <= f.last_position THEN greatest(f.since, e.since)
    WHEN q.id IS NOT NULL THEN e.since
    WHEN f.via = 'free' THEN greatest(f.since, CASE WHEN e.until <= %(at)s THEN e.until END,
      CASE f.was_via WHEN 'free' THEN f.was_since
        WHEN 'tier' THEN least(f.was_until, CASE WHEN e.tier_id IS NULL THEN e.since END, %(at)s) END)
    ELSE f.since END,
  CASE WHEN q.id IS NULL THEN f.until ELSE e.until END,
  CASE WHEN q.id IS NOT NULL THEN e.since END, f.cover_starts, f.cover_ends, f.cover_days,
  least(f.next_start, f.until), f.ladder_id,
  coalesce(q.id, f.term_id, 0),
  CASE WHEN f.is_new THEN least((SELECT n.created_at FROM members_member n WHERE n.id = f.member_id), %(at)s) END, """
    + seen("f.member_id")
    + """
FROM (
  SELECT c.member_id, c.zone, c.is_member, c.is_new, c.was_via, c.was_since, c.was_until,
    r.position AS last_position,
    CASE WHEN t.end_at > %(at)s THEN 'term' WHEN h.hold_until > %(at)s THEN 'grace' ELSE 'free' END AS via,
    CASE WHEN coalesce(h.hold_until, t.end_at) > %(at)s THEN t.tier_id END AS tier_id,
    CASE WHEN coalesce(h.hold_until, t.end_at) > %(at)s THEN t.plan_id END AS plan_id,
    CASE WHEN coalesce(h.hold_until, t.end_at) > %(at)s THEN t.id END AS term_id,
    a.term_starts_at,
    CASE WHEN t.end_at > %(at)s THEN t.starts_at WHEN h.hold_until <= %(at)s THEN h.hold_until
      ELSE t.end_at END AS since,
    CASE WHEN t.end_at > %(at)s THEN t.end_at WHEN h.hold_until > %(at)s THEN h.hold_until END AS until,
    a.cover_starts, a.cover_ends, a.cover_days, n.next_start, coalesce(k.ladder_id, %(ladder)s) AS ladder_id
  FROM (
    SELECT k.member_id, coalesce(nullif(l.time_zone, ''), %(zone)s) AS zone, l.member_id IS NOT NULL AS is_member,
      k.settled_at IS NULL AS is_new, k.via AS was_via, k.since AS was_since, k.until AS was_until
    FROM ({claim}) k LEFT JOIN members_memberlifecycle l ON l.member_id = k.member_id
  ) c
  LEFT JOIN LATERAL (
    SELECT m.id, least(m.ends_at, m.closed_at) AS end_at
    FROM members_membershipterm m
    WHERE m.member_id = c.member_id AND c.is_member AND m.starts_at <= %(at)s AND m.voided_at IS NULL
      AND coalesce(m.closed_at, m.ends_at) > m.starts_at
    ORDER BY m.starts_at DESC LIMIT 1
  ) b ON true
  LEFT JOIN LATERAL (
    SELECT h.term_id, greatest(h.held_until, b.end_at) AS hold_until
    FROM members_hold(c.member_id, %(at)s, c.zone, %(grace_days)s) h WHERE b.end_at <= %(at)s OFFSET 0
  ) h ON true
  LEFT JOIN LATERAL (
    SELECT m.*, least(m.ends_at, m.closed_at) AS end_at
    FROM members_membershipterm m
    WHERE m.id = CASE WHEN h.hold_until > %(at)s THEN h.term_id ELSE b.id END
  ) t ON true
  LEFT JOIN members_tier r ON r.id = t.tier_id
  LEFT JOIN LATERAL (
    SELECT array_agg(m.starts_at ORDER BY m.starts_at) AS cover_starts,
      array_agg(least(m.ends_at, m.closed_at) ORDER BY m.starts_at) AS cover_ends,
      array_agg(CASE WHEN m.kind = 'trial' THEN -3 WHEN coalesce(m.refunded_at, m.voided_at) IS NOT NULL THEN -2
        WHEN m.kind = 'paid' THEN coalesce(p.grace_days, r.grace_days, %(grace_days)s) ELSE -1
      END ORDER BY m.starts_at) AS cover_days,
      min(m.starts_at) FILTER (WHERE coalesce(m.origin_id, m.id) = coalesce(t.origin_id, t.id)) AS term_starts_at
    FROM members_membershipterm m
    LEFT JOIN members_plan p ON p.id = m.plan_id
    JOIN members_tier r ON r.id = m.tier_id
    WHERE m.member_id = c.member_id AND m.starts_at <= t.starts_at AND coalesce(m.closed_at, m.ends_at) > m.starts_at
  ) a ON true
  LEFT JOIN LATERAL (
    SELECT min(m.starts_at) AS next_start FROM members_membershipterm m
    WHERE m.member_id = c.member_id AND m.starts_at > %(at)s AND coalesce(m.closed_at, m.ends_at) > m.starts_at
  ) n ON true
  LEFT JOIN LATERAL (
    SELECT k.ladder_id FROM entitlements_renewallock k JOIN members_membershipterm o ON o.id = k.term_id
    WHERE k.member_id = c.member_id AND """
    + offered.IS_LOCKED_FOR
    + """
    LIMIT 1
  ) k ON true
) f
LEFT JOIN LATERAL (
  SELECT e.tier_id, e.since, e.until FROM entitlements_tierstanding e WHERE f.is_member AND e.member_id = f.member_id
  LIMIT 1
) e ON true
LEFT JOIN members_tier q ON q.id = e.tier_id AND (e.until IS NULL OR e.until > %(at)s)
  AND q.position > CASE WHEN f.tier_id IS NULL THEN -1 ELSE f.last_position END"""
)

_IN_FORCE = """g.effective_at <= x.instant AND (g.expires_at IS NULL OR g.expires_at > x.instant)
    AND (g.voided_at IS NULL OR g.voided_at > x.instant)"""

_BY_ENGINE = "('term', 'grace', 'tier', 'free')"

# The buckets open at ``x.instant`` for the members of ``x``: the ladder's allowance, each other grant, what was
# carried over. Several grants of the ladder are one allowance, the largest; an access benefit knows no periods.
# Those of the calendar, nearly all, are worked out in place, which is cheaper than to call the function for each row;
# once, by OFFSET 0, and not for each mention.
_BUCKETS = (
    """
  SELECT g.*, CASE WHEN g.recurs THEN lower(p.period) ELSE g.effective_at END AS opens_at, """
    + best_level("e.levels", "g.levels")
    + """ AS level,
    CASE WHEN g.recurs THEN upper(p.period) ELSE g.expires_at END AS closes_at
  FROM (
    SELECT x.member_id, x.zone, x.instant, g.benefit_id,
      CASE WHEN g.source IN """
    + _BY_ENGINE
    + """ THEN 0 ELSE g.id END AS bucket,
      CASE WHEN bool_or(g.amount IS NULL) THEN NULL ELSE max(g.amount) END AS amount,
      bool_or(g.recurs) AS recurs, min(g.priority) AS priority, min(g.effective_at) AS effective_at,
      CASE WHEN bool_or(g.expires_at IS NULL) THEN NULL ELSE max(g.expires_at) END AS expires_at,
      min(g.expires_at) AS first_expiry, max(g.anchor_at) AS anchor_at,
      array_agg(g.level) FILTER (WHERE g.level <> '') AS levels,
      max(g.early_hours) AS early_hours
    FROM {x} x JOIN entitlements_grant g ON g.member_id = x.member_id{of_benefit}
    WHERE """
    + _IN_FORCE
    + """
    GROUP BY 1, 2, 3, 4, 5
  ) g
  JOIN entitlements_benefit e ON e.id = g.benefit_id
  CROSS JOIN LATERAL (
    SELECT CASE WHEN e.kind = 'access' THEN tstzrange('1970-01-01 00:00:00+00', NULL)
      WHEN e.is_by_calendar AND e.period IN ('day', 'week', 'month', 'quarter', 'year') THEN tstzrange(
        date_trunc(e.period, g.instant, g.zone),
        (date_trunc(e.period, g.instant AT TIME ZONE g.zone) + CASE e.period WHEN 'day' THEN interval '1 day'
          WHEN 'week' THEN interval '1 week' WHEN 'month' THEN interval '1 month'
          WHEN 'quarter' THEN interval '3 months' ELSE interval '1 year' END) AT TIME ZONE g.zone
      )
      ELSE entitlements_period(e.period, e.is_by_calendar, g.zone, g.anchor_at, g.instant)
    END AS period
    OFFSET 0
  ) p"""
)

# How the buckets of a benefit follow each other, as ``entitlements.grants.rules.burn`` says.
_BURN_ORDER = "o.priority, o.expires_at NULLS LAST, o.effective_at, o.bucket"

# What goes beyond a soft limit lies in a lot too, the last to be filled: that of the ladder's usage period, or while
# the ladder gives nothing one that is open for good.
_FOR_GOOD = "timestamptz '1900-01-01 00:00:00+00'"

_OPEN_CARRIED = """SELECT x.member_id, x.benefit_id, l.bucket, l.opens_at, l.closes_at, l.amount, 0 AS priority,
    l.closes_at AS expires_at, l.opens_at AS effective_at, l.amount AS carried
  FROM {x} x JOIN entitlements_lot l ON l.member_id = x.member_id AND l.benefit_id = x.benefit_id
  WHERE l.bucket = -1 AND l.opens_at <= x.instant AND l.closes_at > x.instant"""

# What was used since the last settling goes to the buckets open then, in burn order. What exceeds them all was
# granted by what has meanwhile been unmade; it stays in the records.
ALLOCATE = (
    """
WITH spent AS (
  UPDATE entitlements_balance b SET laid = b.units FROM settling s
  WHERE b.member_id = s.member_id AND b.units > b.laid
  RETURNING b.member_id, b.benefit_id, s.zone, b.settled_at AS instant, b.period_start, b.period_end,
    old.laid AS first, old.units - old.laid AS spent
),
buckets AS ("""
    + _BUCKETS.format(x="spent", of_benefit=" AND g.benefit_id = x.benefit_id")
    + """
),
open AS (
  SELECT b.member_id, b.benefit_id, b.bucket, b.opens_at, b.closes_at, b.amount, b.priority, b.expires_at,
    b.effective_at, NULL::bigint AS carried
  FROM buckets b
  UNION ALL
  """
    + _OPEN_CARRIED.format(x="spent")
    + """
  UNION ALL
  SELECT x.member_id, x.benefit_id, -2, coalesce(x.period_start, """
    + _FOR_GOOD
    + """), x.period_end, NULL, 2147483647, NULL, NULL, NULL
  FROM spent x JOIN entitlements_benefit e ON e.id = x.benefit_id AND NOT e.is_hard_limit
),
queue AS (
  SELECT o.*, x.first, x.spent, o.amount - coalesce(l.used, 0) AS room,
    coalesce(sum(greatest(coalesce(o.amount - coalesce(l.used, 0), x.spent), 0)) OVER (
      PARTITION BY o.member_id, o.benefit_id ORDER BY """
    + _BURN_ORDER
    + """ ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS before
  FROM open o JOIN spent x USING (member_id, benefit_id)
  LEFT JOIN entitlements_lot l USING (member_id, benefit_id, bucket, opens_at)
)
INSERT INTO entitlements_lot AS l (member_id, benefit_id, bucket, opens_at, closes_at, amount, used, units)
SELECT q.member_id, q.benefit_id, q.bucket, q.opens_at, q.closes_at, q.carried, q.part,
  """
    + numbers("q.member_id", "q.first + q.before", "q.part")
    + """
FROM (
  SELECT q.*, least(greatest(q.spent - q.before, 0), greatest(coalesce(q.room, q.spent), 0)) AS part FROM queue q
) q
WHERE q.part > 0
ON CONFLICT (member_id, benefit_id, bucket, opens_at) DO UPDATE SET used = l.used + excluded.used,
  units = l.units + excluded.units"""
)

# What her ladder gives each of these members now. The plan's additions come on top of the tier's cell.
MAKE_WANTED = (
    """
CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
WITH offers AS (
  SELECT p.tier_id, p.plan_id, p.ladder_id, b.id AS benefit_id, b.period, b.is_by_calendar, b.unlocked_by_id,
    b.unlocked_after,
    """
    + f"{offered.AMOUNT} AS amount, {offered.LEVEL} AS level, {offered.IS_HELD} AS is_held, "
    + f"{offered.EARLY_HOURS} AS early_hours"
    + """
  FROM (SELECT DISTINCT tier_id, plan_id, ladder_id FROM settling) p
  CROSS JOIN entitlements_benefit b
  LEFT JOIN entitlements_tierbenefit c
    ON c.version_id = p.ladder_id AND c.benefit_id = b.id AND c.tier_id IS NOT DISTINCT FROM p.tier_id
  LEFT JOIN entitlements_planbenefit a
    ON a.version_id = p.ladder_id AND a.benefit_id = b.id AND a.plan_id = p.plan_id
  WHERE NOT b.is_archived AND (c.id IS NOT NULL OR a.id IS NOT NULL)
)
SELECT s.member_id, o.benefit_id, s.via AS source, s.source_id, o.amount, o.level,
  o.early_hours, coalesce(s.since, s.came_at, %(at)s) AS effective_at, s.until AS expires_at,
  coalesce("""
    + ANCHOR.replace("e.", "o.")
    + """, s.earned_at, s.since, s.came_at, %(at)s) AS anchor_at,
  s.ladder_id
FROM settling s
JOIN offers o ON o.tier_id IS NOT DISTINCT FROM s.tier_id AND o.plan_id IS NOT DISTINCT FROM s.plan_id
  AND o.ladder_id = s.ladder_id
WHERE s.is_member AND (s.via <> 'grace' OR o.is_held)
  AND (o.unlocked_by_id IS NULL OR EXISTS (
    SELECT FROM entitlements_balance u
    WHERE u.member_id = s.member_id AND u.benefit_id = o.unlocked_by_id AND u.uses >= o.unlocked_after
  ))"""
)

VOID = (
    """
UPDATE entitlements_grant g SET voided_at = %(at)s,
  void_reason = CASE WHEN g.source = s.via AND g.source_id = s.source_id THEN 'ladder'
    ELSE 'source_ended' END
FROM settling s
WHERE g.member_id = s.member_id AND g.source IN """
    + _BY_ENGINE
    + """
  AND g.voided_at IS NULL AND (g.expires_at IS NULL OR g.expires_at > %(at)s)
  AND NOT EXISTS (
    SELECT FROM wanted w
    WHERE w.member_id = g.member_id AND w.benefit_id = g.benefit_id AND w.source = g.source
      AND w.source_id = g.source_id AND w.amount IS NOT DISTINCT FROM g.amount AND w.level = g.level
      AND w.early_hours = g.early_hours AND w.expires_at IS NOT DISTINCT FROM g.expires_at
  )"""
)

# A source that had run out is there again: a tier earned anew, a grace made longer. What it gave ended by itself, and
# closed it leaves room for what it gives now. A term has its number for itself and never comes back.
CLOSE = """
UPDATE entitlements_grant g SET voided_at = %(at)s, void_reason = 'source_ended'
FROM wanted w
WHERE w.source IN ('tier', 'grace') AND g.member_id = w.member_id AND g.benefit_id = w.benefit_id
  AND g.source = w.source AND g.source_id = w.source_id AND g.voided_at IS NULL AND g.expires_at <= %(at)s"""

# From the beginning of its source, however late it is looked at, or from now on where the source gave something else
# since. What it gave in an earlier time, as the free tier before a term, is another matter.
GIVE = (
    """
INSERT INTO entitlements_grant (
  member_id, benefit_id, source, source_id, amount, level, recurs, priority, early_hours, anchor_at, effective_at,
  expires_at, void_reason, ladder_id, reason, created_at
)
SELECT w.member_id, w.benefit_id, w.source, w.source_id, w.amount, w.level, true, 100, w.early_hours, w.anchor_at,
  CASE WHEN g.ended_at > w.effective_at THEN %(at)s ELSE w.effective_at END, w.expires_at, '', w.ladder_id, '', %(at)s
FROM wanted w
LEFT JOIN (
  SELECT g.member_id, g.benefit_id, g.source, g.source_id, bool_or(g.voided_at IS NULL) AS is_live,
    max(least(g.voided_at, g.expires_at)) AS ended_at
  FROM settling s JOIN entitlements_grant g ON g.member_id = s.member_id
  WHERE g.source IN """
    + _BY_ENGINE
    + """
  GROUP BY 1, 2, 3, 4
) g USING (member_id, benefit_id, source, source_id)
WHERE g.is_live IS NOT TRUE"""
)
GIVE_THE_REST = GIVE + " ON CONFLICT DO NOTHING"

# At the end of a usage period what is left is carried on as the benefit says, while the ladder still gives it.
CARRY_OVER = (
    """
WITH x AS (SELECT member_id, zone, %(at)s::timestamptz AS instant FROM settling),
buckets AS ("""
    + _BUCKETS.format(x="x", of_benefit=" AND g.benefit_id = ANY(%(rollovers)s)")
    + """
)
INSERT INTO entitlements_lot (member_id, benefit_id, bucket, opens_at, closes_at, amount, used, units)
SELECT q.member_id, q.benefit_id, -1, q.opens_at, q.closes_at, q.amount, 0, '{}'
FROM (
  SELECT b.member_id, b.benefit_id, k.opens_at, k.closes_at,
    least(e.rollover_max, least(e.rollover_max, greatest(
      greatest(b.allowance - coalesce(l.used, 0), 0) + coalesce(c.amount - c.used, 0), e.rollover_min
    )) + (greatest(entitlements_periods(e.period, k.zone, b.period_start, k.opens_at), 1) - 1) * k.amount) AS amount
  FROM buckets k
  JOIN entitlements_benefit e ON e.id = k.benefit_id AND e.rollover_max > 0
  JOIN entitlements_balance b ON b.member_id = k.member_id AND b.benefit_id = k.benefit_id
  LEFT JOIN entitlements_lot l ON l.member_id = b.member_id AND l.benefit_id = b.benefit_id AND l.bucket = 0
    AND l.opens_at = b.period_start
  LEFT JOIN entitlements_lot c ON c.member_id = b.member_id AND c.benefit_id = b.benefit_id AND c.bucket = -1
    AND c.opens_at = b.period_start
  WHERE k.bucket = 0 AND k.amount IS NOT NULL AND b.is_open AND b.allowance IS NOT NULL
    AND b.period_end <= k.opens_at
) q
WHERE q.amount > 0
ON CONFLICT DO NOTHING"""
)

# Overage of the usage period is settled by whatever room there is now, as when a use was taken back or more was given;
# the oldest first.
COVER_OVERAGE = (
    """
WITH x AS (SELECT member_id, zone, %(at)s::timestamptz AS instant FROM settling),
lots AS (
  SELECT l.* FROM x JOIN entitlements_lot l ON l.member_id = x.member_id
  WHERE l.bucket = -2 AND l.used > 0 AND l.benefit_id = ANY(%(soft)s) AND l.opens_at <= x.instant
    AND (l.closes_at IS NULL OR l.closes_at > x.instant)
),
buckets AS ("""
    + _BUCKETS.format(
        x="x", of_benefit=" AND g.benefit_id IN (SELECT benefit_id FROM lots WHERE member_id = x.member_id)"
    )
    + """
),
owed AS (
  SELECT l.member_id, l.benefit_id, %(at)s::timestamptz AS instant, range_agg(l.units) AS units,
    sum(l.used)::bigint AS spent
  FROM lots l
  LEFT JOIN buckets k ON k.member_id = l.member_id AND k.benefit_id = l.benefit_id AND k.bucket = 0
  WHERE l.opens_at = coalesce(k.opens_at, """
    + _FOR_GOOD
    + """)
  GROUP BY 1, 2
),
open AS (
  SELECT b.member_id, b.benefit_id, b.bucket, b.opens_at, b.closes_at, b.amount, b.priority, b.expires_at,
    b.effective_at, NULL::bigint AS carried
  FROM buckets b
  UNION ALL
  """
    + _OPEN_CARRIED.format(x="owed")
    + """
),
queue AS (
  SELECT o.*, x.units, x.spent, o.amount - coalesce(l.used, 0) AS room,
    coalesce(sum(greatest(coalesce(o.amount - coalesce(l.used, 0), x.spent), 0)) OVER (
      PARTITION BY o.member_id, o.benefit_id ORDER BY """
    + _BURN_ORDER
    + """ ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS before
  FROM open o JOIN owed x USING (member_id, benefit_id)
  LEFT JOIN entitlements_lot l USING (member_id, benefit_id, bucket, opens_at)
),
parts AS (
  SELECT q.*, entitlements_slice(q.units, q.before, q.part) AS covered
  FROM (
    SELECT q.*, least(greatest(q.spent - q.before, 0), greatest(coalesce(q.room, q.spent), 0)) AS part FROM queue q
  ) q
  WHERE q.part > 0
),
paid AS (
  UPDATE entitlements_lot l SET units = l.units - p.units, used = l.used - entitlements_length(l.units * p.units)
  FROM lots o JOIN (SELECT member_id, benefit_id, range_agg(covered) AS units FROM parts GROUP BY 1, 2) p
    USING (member_id, benefit_id)
  WHERE l.id = o.id
)
INSERT INTO entitlements_lot AS l (member_id, benefit_id, bucket, opens_at, closes_at, amount, used, units)
SELECT p.member_id, p.benefit_id, p.bucket, p.opens_at, p.closes_at, p.carried, p.part, p.covered FROM parts p
ON CONFLICT (member_id, benefit_id, bucket, opens_at) DO UPDATE SET used = l.used + excluded.used,
  units = l.units + excluded.units"""
)

# The balances from the buckets open now. What is being used at this moment stays on top of what lies in lots. Rows
# without a bucket say when something more begins, and that there is a balance which may have nothing left.
BALANCE = (
    """
WITH x AS (SELECT member_id, zone, %(at)s::timestamptz AS instant FROM settling),
buckets AS ("""
    + _BUCKETS.format(x="x", of_benefit="")
    + """
),
facts AS (
  SELECT b.member_id, b.benefit_id, b.bucket, b.amount, b.opens_at, b.closes_at,
    least(b.closes_at, b.first_expiry) AS ends_at, b.level, b.early_hours, coalesce(l.used, 0) AS used
  FROM buckets b LEFT JOIN entitlements_lot l USING (member_id, benefit_id, bucket, opens_at)
  UNION ALL
  SELECT l.member_id, l.benefit_id, l.bucket, l.amount, l.opens_at, l.closes_at, l.closes_at, '', 0, l.used
  FROM settling s JOIN entitlements_lot l ON l.member_id = s.member_id
  LEFT JOIN buckets k ON k.member_id = l.member_id AND k.benefit_id = l.benefit_id AND k.bucket = 0
  WHERE l.bucket < 0 AND l.opens_at <= %(at)s AND (l.closes_at IS NULL OR l.closes_at > %(at)s)
    AND (l.bucket = -1 OR l.opens_at = coalesce(k.opens_at, """
    + _FOR_GOOD
    + """))
  UNION ALL
  SELECT g.member_id, g.benefit_id, NULL, NULL, NULL, NULL, g.effective_at, '', 0, 0
  FROM settling s JOIN entitlements_grant g ON g.member_id = s.member_id
  WHERE g.effective_at > %(at)s AND g.voided_at IS NULL
  UNION ALL
  SELECT b.member_id, b.benefit_id, NULL, NULL, NULL, NULL, NULL, '', 0, 0
  FROM settling s JOIN entitlements_balance b ON b.member_id = s.member_id
),
due AS (
  SELECT f.member_id, f.benefit_id, coalesce(bool_or(f.bucket >= 0), false) AS is_open,
    CASE WHEN bool_or(f.bucket > -2 AND f.amount IS NULL) THEN NULL ELSE sum(f.amount)::bigint END AS granted,
    sum(CASE WHEN f.bucket = -2 THEN 0 WHEN f.amount IS NULL THEN f.used ELSE least(f.used, f.amount) END)::bigint
      AS used,
    coalesce(sum(f.used) FILTER (WHERE f.bucket = -2), 0)::bigint AS overage,
    array_agg(f.level) FILTER (WHERE f.level <> '') AS levels, max(f.early_hours) AS early_hours,
    min(f.ends_at) AS valid_until,
    max(f.amount) FILTER (WHERE f.bucket = 0) AS allowance,
    min(f.opens_at) FILTER (WHERE f.bucket = 0) AS period_start,
    min(f.closes_at) FILTER (WHERE f.bucket = 0) AS period_end
  FROM facts f GROUP BY 1, 2
)
INSERT INTO entitlements_balance AS b (
  member_id, benefit_id, is_open, granted, used, units, laid, overage, level, early_hours, allowance, period_start,
  period_end, settled_at, valid_until, uses
)
SELECT d.member_id, d.benefit_id, d.is_open, CASE WHEN d.is_open THEN d.granted ELSE 0 END,
  CASE WHEN d.is_open THEN d.used ELSE 0 END, 0, 0, CASE WHEN d.is_open THEN d.overage ELSE 0 END,
  """
    + best_level("e.levels", "d.levels")
    + """, d.early_hours, d.allowance, d.period_start, d.period_end, %(at)s, d.valid_until, 0
FROM due d JOIN entitlements_benefit e ON e.id = d.benefit_id ORDER BY d.member_id, d.benefit_id
ON CONFLICT (member_id, benefit_id) DO UPDATE SET
  is_open = excluded.is_open, granted = excluded.granted,
  used = least(excluded.used + b.units - b.laid, coalesce(excluded.granted, excluded.used + b.units - b.laid)),
  overage = excluded.overage + CASE WHEN b.benefit_id = ANY(%(soft)s)
    THEN greatest(excluded.used + b.units - b.laid - excluded.granted, 0) ELSE 0 END,
  level = excluded.level, early_hours = excluded.early_hours, allowance = excluded.allowance,
  period_start = excluded.period_start, period_end = excluded.period_end, settled_at = excluded.settled_at,
  valid_until = excluded.valid_until"""
)

FINISH = """
UPDATE entitlements_standing t SET via = s.via, tier_id = s.tier_id, plan_id = s.plan_id, term_id = s.term_id,
  since = s.since, until = s.until, settled_at = %(at)s, seen = s.seen,
  next_due_at = CASE WHEN s.is_member THEN least(s.until, s.look_at, (
    SELECT min(b.valid_until) FROM entitlements_balance b WHERE b.member_id = s.member_id
  )) END
FROM settling s WHERE t.member_id = s.member_id"""

# Mean over the benefits with a limit, each at most 1.
RATE = """
UPDATE members_memberlifecycle l SET usage_rate = r.rate
FROM (
  SELECT s.member_id, avg(b.used::float8 / b.granted) AS rate
  FROM ({members}) s
  LEFT JOIN entitlements_balance b ON b.member_id = s.member_id AND b.is_open AND b.granted > 0
  GROUP BY s.member_id
) r
WHERE l.member_id = r.member_id AND l.usage_rate IS DISTINCT FROM r.rate"""
