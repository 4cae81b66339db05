"""The one statement that assesses tiers: ``entitlements.tiers.rules`` in SQL, for every due member at once.

Stages end in ``OFFSET 0``: a pulled-up sub-select would be evaluated once per reference, a materialised one copied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from entitlements.tiers.rules import ANNIVERSARY, BY_BALANCE, CALENDAR, NONE, ONE_STEP, ROLLING, Rung, Terms

_NO_INSTANTS = "SELECT NULL::bigint AS member_id, NULL::timestamptz AS at WHERE false"


class Counted(Protocol):
    """What the statement needs of a measure; see ``entitlements.tiers.measures.Measure``."""

    @property
    def statement(self) -> str: ...
    @property
    def changed(self) -> str: ...
    @property
    def instants(self) -> str: ...
    @property
    def reached_on(self) -> str: ...


@dataclass(frozen=True)
class Tables:
    """Where standings are read and written, and moves logged: the real tables, or copies of a look ahead."""

    standing: str = "entitlements_tierstanding"
    log: str = "entitlements_tierchange"
    judgement: str = "entitlements_tierjudgement"
    arrival: str = "entitlements_tierarrival"


# Each is looked at as of its own next instant. Facts that came by then and belong to an earlier look, or day, have the
# member judged anew from the first of them: what was qualified then is taken up again, be it where the policy or a
# merge began from, and the looks are silent until they have come to where they were.
DUE = """
CREATE TEMPORARY TABLE tier_looks ON COMMIT DROP AS
WITH due AS MATERIALIZED (
  SELECT s.member_id, s.tier_id, s.via, s.qualified_tier_id, s.judged_on, s.anchor_on, s.due_at, s.looked_at,
    s.rejudge_from, s.seen_until, coalesce(nullif(l.time_zone, ''), %(zone)s) AS zone
  FROM {standing} s JOIN members_memberlifecycle l ON l.member_id = s.member_id
  WHERE s.due_at <= %(at)s AND {scope}
  ORDER BY s.due_at
  LIMIT %(limit)s
  FOR UPDATE OF s SKIP LOCKED
),
arrived AS MATERIALIZED (
  SELECT d.*, CASE WHEN d.looked_at IS NULL THEN least(d.rejudge_from, a.at, d.due_at)
      WHEN a.at <= d.looked_at OR (a.at AT TIME ZONE d.zone)::date < (d.due_at AT TIME ZONE d.zone)::date
        THEN least(d.rejudge_from, a.at) ELSE d.rejudge_from END AS anew_at, a.next_at
  FROM due d CROSS JOIN LATERAL (
    SELECT min(a.at) FILTER (WHERE a.known_at <= d.due_at) AS at,
      min(a.known_at) FILTER (WHERE a.known_at > d.due_at) AS next_at
    FROM {arrival} a WHERE a.member_id = d.member_id
  ) a
),
begun AS (
  SELECT d.member_id, d.tier_id, d.via, d.due_at, d.next_at, d.due_at AS from_at, NULL::timestamptz AS base_at,
    d.seen_until, d.qualified_tier_id, d.judged_on, d.anchor_on
  FROM arrived d WHERE d.anew_at IS NULL
  UNION ALL
  SELECT d.member_id, d.tier_id, d.via, d.due_at, d.next_at, f.from_at, b.base_at,
    greatest(d.seen_until, d.looked_at, d.due_at), j.tier_id, j.judged_on, j.anchor_on
  FROM arrived d
  CROSS JOIN LATERAL (
    SELECT coalesce(max(b.at), %(base)s) AS base_at FROM {judgement} b
    WHERE b.member_id = d.member_id AND b.is_base AND b.at >= %(base)s
  ) b
  CROSS JOIN LATERAL (SELECT greatest(d.anew_at, b.base_at) AS from_at) f
  LEFT JOIN LATERAL (
    SELECT j.tier_id, j.judged_on, j.anchor_on FROM {judgement} j
    WHERE j.member_id = d.member_id AND j.at >= %(base)s AND (j.at < f.from_at OR j.is_base AND j.at = f.from_at)
    ORDER BY j.at DESC, j.id DESC LIMIT 1
  ) j ON d.looked_at IS NOT NULL
  WHERE d.anew_at IS NOT NULL
)
SELECT * FROM begun"""
# A table and no part of the statement: of how many they are the planner knows by it alone.
_BEGUN = "begun AS NOT MATERIALIZED (SELECT * FROM tier_looks)"
ONLY_MEMBERS = "s.member_id = ANY(%(members)s)"
NOT_HELD = "s.brake_id IS NULL"
HELD_BY = "s.brake_id = %(brake)s"

# A policy begins with the last period that was over: what was reached in it counts from the first day in force.
_BASE = """
base AS NOT MATERIALIZED (
  SELECT d.*, (d.look_at AT TIME ZONE d.zone)::date AS today, greatest(d.look_at, d.seen_until) AS known_until,
    was.position AS was_position, held.position AS held_position, bought.position AS term_position,
    {floor} AS floor_position,
    given.id AS manual_id, given.until AS manual_until, given.position AS manual_position, turns.turns_at
  FROM (
    SELECT d.*, {look_at} AS look_at
    FROM (
      SELECT d.member_id, d.tier_id AS was_id, d.via AS was_via, d.qualified_tier_id,
        d.judged_on, d.anchor_on, d.due_at, d.next_at AS arrives_at, d.from_at, d.base_at, d.seen_until, z.zone,
        l.tier_id AS bought_id,
        (coalesce(m.registered_at, m.created_at) AT TIME ZONE z.zone)::date AS joined_on
      FROM begun d
      JOIN members_memberlifecycle l ON l.member_id = d.member_id
      JOIN members_member m ON m.id = d.member_id
      CROSS JOIN LATERAL (SELECT coalesce(nullif(l.time_zone, ''), %(zone)s) AS zone) z
      OFFSET 0
    ) d OFFSET 0
  ) d
  LEFT JOIN members_tier was ON was.id = d.was_id
  LEFT JOIN members_tier held ON held.id = d.qualified_tier_id
  LEFT JOIN members_tier bought ON bought.id = d.bought_id
  LEFT JOIN LATERAL (
    SELECT g.id, g.until, t.position FROM entitlements_manualtier g JOIN members_tier t ON t.id = g.tier_id
    WHERE g.member_id = d.member_id AND g.since <= d.look_at AND coalesce(g.until, 'infinity') > d.look_at
      AND coalesce(g.ended_at, 'infinity') > d.look_at
    ORDER BY t.position DESC, g.until DESC NULLS FIRST, g.id LIMIT 1
  ) given ON true
  LEFT JOIN LATERAL (
    SELECT min(i.at) AS turns_at
    FROM entitlements_manualtier g CROSS JOIN LATERAL unnest(ARRAY[g.since, g.until, g.ended_at]) i (at)
    WHERE g.member_id = d.member_id AND i.at > d.look_at
  ) turns ON true
  OFFSET 0
),
anchored AS NOT MATERIALIZED (
  SELECT b.*, {anchor} AS anchor FROM base b OFFSET 0
),
placed AS MATERIALIZED (
  SELECT s.*, {earning_since} AS now_on, {before_judged} AS period_on
  FROM (
    SELECT a.*, CASE WHEN a.judged_on > a.today THEN {settled} ELSE a.judged_on END AS held_on
    FROM anchored a OFFSET 0
  ) s OFFSET 0
)"""

# The period is asked for by itself only where it is another one than what counts now.
_ASKED = """
asked AS MATERIALIZED (
  SELECT member_id, 'now' AS slot, now_on AS start_on, today + 1 AS end_on,
    now_on::timestamp AT TIME ZONE zone AS start_at, 'infinity'::timestamptz AS end_at, zone, joined_on,
    look_at AS as_at, known_until
  FROM placed
  UNION ALL
  SELECT member_id, 'period', period_on, least(held_on, today + 1), period_on::timestamp AT TIME ZONE zone,
    CASE WHEN held_on <= today THEN held_on::timestamp AT TIME ZONE zone ELSE 'infinity' END, zone, joined_on, look_at,
    known_until
  FROM placed WHERE held_position IS NOT NULL AND (held_on <= today OR period_on <> now_on)
)"""

_NEXT_FACT = """
looks AS MATERIALIZED (
  SELECT member_id, greatest(look_at, %(base)s) AS look_at, known_until FROM placed WHERE look_at < seen_until
),
next_fact AS MATERIALIZED (SELECT member_id, min(at) AS at FROM ({instants}) i (member_id, at) GROUP BY member_id)"""

_VALUED = """
valued AS MATERIALIZED (
  SELECT v.*, {reached} AS reached, jsonb_build_object({figures}) AS figures
  FROM (SELECT a.member_id, a.slot, {columns} FROM asked a {joins} OFFSET 0) v
)"""

_JUDGED = """
judged AS NOT MATERIALIZED (
  SELECT q.*, CASE
      WHEN q.earned > coalesce(q.held_position, -1) THEN 'up'
      WHEN q.held_position IS NULL OR q.held_on IS NULL THEN 'none'
      WHEN q.today < q.held_on THEN 'hold'
      WHEN q.kept >= q.held_position THEN 'keep'
      WHEN q.earned = q.held_position THEN 'again'
      {never_down}
      WHEN q.today < q.held_on + {grace} THEN 'grace'
      ELSE 'down' END AS verdict
  FROM (
    SELECT p.*, n.reached AS earned, n.figures AS now_figures, n.m_{gap_measure} AS gap_value,
      CASE WHEN o.member_id IS NULL THEN n.reached ELSE o.reached END AS kept, o.figures AS period_figures
    FROM placed p JOIN valued n ON n.member_id = p.member_id AND n.slot = 'now'
    LEFT JOIN valued o ON o.member_id = p.member_id AND o.slot = 'period'
    OFFSET 0
  ) q OFFSET 0
),
moved AS NOT MATERIALIZED (
  SELECT j.*, CASE WHEN j.new_position IS NULL THEN NULL
      WHEN j.verdict IN ('up', 'again') THEN {after_now}
      WHEN j.verdict IN ('keep', 'down') THEN {after_held}
      ELSE j.held_on END AS new_on,
    CASE WHEN j.new_position IS NULL THEN NULL WHEN j.verdict IN ('up', 'again') THEN j.today ELSE j.anchor_on END
      AS new_anchor_on
  FROM (
    SELECT j.*, CASE
      WHEN j.verdict IN ('up', 'again') THEN j.earned
      WHEN j.verdict = 'down' THEN {lower_held}
      ELSE j.held_position END AS new_position
    FROM judged j OFFSET 0
  ) j OFFSET 0
),
foreseen AS NOT MATERIALIZED (
  SELECT f.*, CASE WHEN f.new_on IS NULL OR {is_kept_for_good} THEN NULL ELSE
      (CASE WHEN f.is_secured THEN {after_new} ELSE f.new_on END) + {grace} END AS until_on,
    CASE WHEN f.is_secured THEN f.new_position ELSE {lower_new} END AS falls_to
  FROM (
    SELECT f.*, {next_position} AS next_position, coalesce(f.verdict IN ('up', 'again') OR f.verdict <> 'grace'
        AND f.so_far >= f.new_position, false) AS is_secured
    FROM (
      SELECT m.*, CASE m.verdict WHEN 'up' THEN m.earned WHEN 'again' THEN m.earned WHEN 'hold' THEN m.kept
        WHEN 'grace' THEN greatest(m.earned, m.kept) ELSE {earned_of_new_period} END AS so_far
      FROM moved m OFFSET 0
    ) f OFFSET 0
  ) f OFFSET 0
),
decided AS MATERIALIZED (
  SELECT d.*, greatest(d.new_position, d.manual_position) AS position,
    CASE WHEN d.manual_position > coalesce(d.new_position, -1) THEN 'manual'
      WHEN d.new_position IS NOT NULL THEN 'qualified' ELSE '' END AS via,
    d.falls_on IS NOT NULL AND d.today >= d.falls_on - {notice} AS is_noticed,
    {gap} AS gap,
    d.verdict IN ('keep', 'down') AND d.new_on <= d.today AS is_due_again
  FROM (
    SELECT f.*, greatest(f.falls_to, f.other_position) AS left_position,
      CASE WHEN coalesce(f.falls_to, -1) < f.new_position AND coalesce(f.other_position, -1) < f.new_position
        THEN f.until_on END AS falls_on
    FROM (
      SELECT f.*, CASE WHEN coalesce(f.falls_to, -1) < f.new_position THEN {other_position} END AS other_position
      FROM foreseen f OFFSET 0
    ) f OFFSET 0
  ) d OFFSET 0
)"""

# What a member has beside the qualified tier on the day it would go down: bought for then, or given by hand for then.
_OTHER = """(
  SELECT max(o.position) FROM (
    SELECT t.position FROM members_membershipterm m JOIN members_tier t ON t.id = m.tier_id
    WHERE m.member_id = f.member_id
      AND m.period @> (f.until_on::timestamp AT TIME ZONE f.zone)
    UNION ALL
    SELECT t.position FROM entitlements_manualtier g JOIN members_tier t ON t.id = g.tier_id
    WHERE g.member_id = f.member_id AND g.ended_at IS NULL AND g.since <= (f.until_on::timestamp AT TIME ZONE f.zone)
      AND coalesce(g.until, 'infinity') > (f.until_on::timestamp AT TIME ZONE f.zone)
  ) o)"""

_WRITE = """
settled AS MATERIALIZED (
  SELECT d.*, t.id AS tier_id, q.id AS qualified_id, n.id AS next_id, CASE WHEN d.is_noticed THEN f.id END AS falls_id,
    NOT d.is_silent AND d.position IS DISTINCT FROM d.was_position AS is_changed,
    CASE WHEN d.is_due_again THEN d.look_at ELSE least(
      {period_end}::timestamp AT TIME ZONE d.zone,
      CASE WHEN d.new_on > d.today THEN d.new_on::timestamp AT TIME ZONE d.zone END,
      CASE WHEN d.verdict = 'grace' THEN (d.new_on + {grace})::timestamp AT TIME ZONE d.zone END,
      CASE WHEN NOT d.is_noticed THEN (d.falls_on - {notice})::timestamp AT TIME ZONE d.zone END,
      {crossing}, i.at, d.arrives_at, d.turns_at, CASE WHEN d.is_silent THEN d.seen_until END) END AS next_at,
    jsonb_build_object('now', d.now_figures, 'since', d.now_on, 'period', coalesce(d.period_figures, d.now_figures),
      'verdict', d.verdict, 'judged_on', d.new_on, 'secured', d.is_secured) AS facts
  FROM (SELECT d.*, coalesce(d.look_at < d.seen_until, false) AS is_silent FROM decided d OFFSET 0) d
  LEFT JOIN next_fact i ON i.member_id = d.member_id
  LEFT JOIN members_tier t ON t.position = d.position LEFT JOIN members_tier q ON q.position = d.new_position
  LEFT JOIN members_tier n ON n.position = d.next_position LEFT JOIN members_tier f ON f.position = d.left_position
),
{held}
consumed AS (
  DELETE FROM {arrival} a USING {moving} d WHERE a.member_id = d.member_id AND a.known_at <= d.due_at
),
retired AS (
  DELETE FROM {judgement} j USING {moving} d
  WHERE d.base_at IS NOT NULL AND j.member_id = d.member_id AND j.at >= d.from_at AND NOT j.is_base
),
logged AS (
  INSERT INTO {log} (member_id, from_tier_id, to_tier_id, is_up, via, policy_id, facts, at, recorded_at, actor_id)
  SELECT member_id, was_id, tier_id, coalesce(position, -1) > coalesce(was_position, -1),
    coalesce(nullif(via, ''), was_via), %(policy)s, facts, look_at, %(at)s, %(actor)s
  FROM {moving} WHERE is_changed ORDER BY member_id
  RETURNING from_tier_id, to_tier_id
),
remembered AS (
  INSERT INTO {judgement} (member_id, at, tier_id, judged_on, anchor_on)
  SELECT member_id, greatest(look_at, %(base)s), qualified_id, new_on, new_anchor_on FROM {moving}
  WHERE (new_position, new_on, new_anchor_on) IS DISTINCT FROM (held_position, judged_on, anchor_on)
  ORDER BY member_id
),
written AS (
  UPDATE {standing} s SET
    tier_id = CASE WHEN d.is_silent THEN s.tier_id ELSE d.tier_id END,
    via = CASE WHEN d.is_silent THEN s.via ELSE d.via END,
    since = CASE WHEN d.is_changed THEN d.look_at ELSE s.since END,
    until = CASE WHEN d.is_silent THEN s.until WHEN d.via = 'manual' THEN d.manual_until END,
    lasts_until = CASE WHEN d.new_position IS NOT NULL THEN d.until_on::timestamp AT TIME ZONE d.zone END,
    manual_id = CASE WHEN d.is_silent THEN s.manual_id WHEN d.via = 'manual' THEN d.manual_id END,
    qualified_tier_id = d.qualified_id, judged_on = d.new_on, anchor_on = d.new_anchor_on, policy_id = %(policy)s,
    facts = d.facts, next_tier_id = d.next_id, gap = d.gap, will_downgrade_to_id = d.falls_id,
    will_downgrade_at = CASE WHEN d.is_noticed THEN d.falls_on::timestamp AT TIME ZONE d.zone END,
    due_at = d.next_at, looked_at = d.look_at, rejudge_from = NULL,
    seen_until = CASE WHEN d.is_silent THEN d.seen_until END, assessed_at = %(at)s,
    changed_xid = CASE WHEN d.is_changed THEN pg_current_xact_id() ELSE s.changed_xid END
  FROM {moving} d WHERE s.member_id = d.member_id
  RETURNING s.due_at <= %(at)s AS is_due_again
)
SELECT from_tier_id, to_tier_id, count(*)::int, true, 0 FROM logged GROUP BY 1, 2
UNION ALL
SELECT NULL, NULL, count(*)::int, false, (count(*) FILTER (WHERE is_due_again))::int FROM written"""

# Whoever would move stays as they are, held until a person decides.
_HELD = """
held AS (
  UPDATE {standing} s SET brake_id = %(brake)s FROM settled d WHERE s.member_id = d.member_id AND d.is_changed
),
staying AS NOT MATERIALIZED (SELECT * FROM settled WHERE NOT is_changed),"""

# Where a policy begins from, for those who have something.
BASES = """
INSERT INTO {judgement} (member_id, at, tier_id, judged_on, anchor_on, is_base)
SELECT s.member_id, %(base)s, s.qualified_tier_id, s.judged_on, s.anchor_on, true
FROM {standing} s WHERE s.qualified_tier_id IS NOT NULL AND {scope}"""

# Everybody's standing, due, with the tier that is their own and the one they bought before the look.
_COPY = (
    """
CREATE TEMP TABLE {standing} (LIKE entitlements_tierstanding INCLUDING DEFAULTS, was_id bigint, bought_id bigint)
  ON COMMIT DROP;
INSERT INTO {standing} SELECT s.*, s.tier_id, l.tier_id
FROM entitlements_tierstanding s JOIN members_memberlifecycle l ON l.member_id = s.member_id;
INSERT INTO {standing} (member_id, via, bought_id) SELECT l.member_id, '', l.tier_id FROM members_memberlifecycle l
WHERE NOT EXISTS (SELECT FROM entitlements_tierstanding s WHERE s.member_id = l.member_id);
UPDATE {standing} SET due_at = %(at)s, rejudge_from = %(at)s, brake_id = NULL;
CREATE INDEX ON {standing} (due_at);
CREATE INDEX ON {standing} (member_id);
CREATE TEMP TABLE {judgement} (LIKE entitlements_tierjudgement INCLUDING DEFAULTS INCLUDING IDENTITY) ON COMMIT DROP;
"""
    + BASES.replace("{scope}", "true")
    + """;
CREATE INDEX ON {judgement} (member_id, at);
CREATE TEMP TABLE {arrival} (LIKE entitlements_tierarrival) ON COMMIT DROP;
ANALYZE {standing}, {judgement};
CREATE TEMP TABLE {log} (LIKE entitlements_tierchange INCLUDING DEFAULTS INCLUDING IDENTITY) ON COMMIT DROP"""
)

# The tier that counts is the highest of the own, the one given by hand and the one bought. What goes down later is the
# earned one, where nothing else holds the member as high on that day.
_CHANGES = """
SELECT c.member_id, c.what, coalesce(b.id::text, 'none') AS before, coalesce(a.id::text, 'none') AS after
FROM (
  SELECT s.member_id, s.will_downgrade_at, greatest(w.position, b.position) AS was,
    greatest(n.position, b.position) AS now, q.position AS earned, f.position AS later
  FROM {standing} s
  LEFT JOIN members_tier w ON w.id = s.was_id LEFT JOIN members_tier n ON n.id = s.tier_id
  LEFT JOIN members_tier b ON b.id = s.bought_id LEFT JOIN members_tier f ON f.id = s.will_downgrade_to_id
  LEFT JOIN members_tier q ON q.id = s.qualified_tier_id
) e
CROSS JOIN LATERAL (
  SELECT e.member_id, 'now' AS what, e.was AS before, e.now AS after
  UNION ALL SELECT e.member_id, 'later', e.earned, e.later WHERE e.will_downgrade_at IS NOT NULL
) c
LEFT JOIN members_tier b ON b.position = c.before LEFT JOIN members_tier a ON a.position = c.after
WHERE c.before IS DISTINCT FROM c.after"""


def round_sql(
    terms: Terms, measures: Mapping[str, Counted], *, is_holding: bool = False, tables: Tables | None = None
) -> str:
    """One round over the members claimed: rows (from, to, moved, true, 0), last (NULL, NULL, judged, false, due again).

    ``measures`` are those of ``terms.measures`` by code. Holding, whoever would move is held by ``%(brake)s`` instead.
    """
    on = tables or Tables()
    write = _WRITE.format(
        standing=on.standing,
        log=on.log,
        judgement=on.judgement,
        arrival=on.arrival,
        held=_HELD.format(standing=on.standing) if is_holding else "",
        moving="staying" if is_holding else "settled",
        period_end=_period_end(terms),
        crossing=_crossing(terms, measures),
        grace=terms.grace_days,
        notice=terms.notice_days,
    )
    return _stages(terms, measures) + "," + write


def claim_sql(*, scope: str = NOT_HELD, tables: Tables | None = None) -> str:
    """Claim a batch of due members into the temporary table ``tier_looks``, which ``round_sql`` reads."""
    on = tables or Tables()
    return DUE.format(standing=on.standing, judgement=on.judgement, arrival=on.arrival, scope=scope)


def copy_sql(tables: Tables) -> str:
    """Statements that copy everybody's standing into ``tables``, gone with the transaction, and have them due."""
    return _COPY.format(standing=tables.standing, log=tables.log, judgement=tables.judgement, arrival=tables.arrival)


def changes_sql(tables: Tables) -> str:
    """Whose tier that counts an assessment in ``tables`` changed: rows (member, what, before, after) of tiers' numbers.

    ``now``: at once. ``later``: at the end of their period, should nothing more be counted until then.
    """
    return _CHANGES.format(standing=tables.standing)


def _stages(terms: Terms, measures: Mapping[str, Counted]) -> str:
    is_rolling = terms.period == ROLLING
    base = _BASE.format(
        look_at=_look_at(terms),
        floor="bought.position" if terms.plan_is_floor else "NULL::int",
        anchor={CALENDAR: "DATE '2000-01-01'", ANNIVERSARY: "b.joined_on"}.get(
            terms.period, "coalesce(b.anchor_on, b.today)"
        ),
        settled=_after(terms, "greatest(a.judged_on - 1, a.today)", "a.anchor"),
        earning_since=f"(s.today - make_interval(months => {terms.months}))::date"
        if is_rolling
        else _before(terms, "(s.today + 1)", "s.anchor"),
        before_judged=_before(terms, "s.held_on", "s.anchor"),
    )
    judged = _JUDGED.format(
        gap_measure=terms.gap_measure,
        never_down="WHEN true THEN 'keep'" if terms.downgrade == NONE else "",
        is_kept_for_good="true" if terms.downgrade == NONE else "false",
        grace=terms.grace_days, notice=terms.notice_days,
        after_now=_after(terms, "j.today", "j.today" if is_rolling else "j.anchor"),
        after_held=_after(terms, "j.held_on", "j.anchor"),
        after_new=_after(terms, "f.new_on", "coalesce(f.new_anchor_on, f.anchor)" if is_rolling else "f.anchor"),
        lower_held=_lower(terms, "j.held_position", "j.earned", "j.kept"),
        lower_new=_lower(terms, "f.new_position", "f.so_far"),
        other_position=_OTHER,
        earned_of_new_period="NULL" if is_rolling else "m.earned",
        next_position=_next_position(terms.rungs, "greatest(f.new_position, f.floor_position, f.manual_position)"),
        gap=_gap(terms, "d.next_position", "d.gap_value"),
    )  # fmt: skip
    own = [f"m_{code} (member_id, slot, value) AS MATERIALIZED ({measures[code].statement})" for code in terms.measures]
    instants = [measures[code].instants for code in terms.measures if measures[code].instants]
    next_fact = _NEXT_FACT.format(instants=" UNION ALL ".join(instants) or _NO_INSTANTS)
    return "WITH " + ",\n".join([_BEGUN, base, _ASKED, next_fact, *own, _values(terms), judged])


def _look_at(terms: Terms) -> str:
    """The instant a look is of: where the policy began from, the last one of the period that was over then."""
    if terms.period == ROLLING:
        return "d.from_at"
    anchor = "d.joined_on" if terms.period == ANNIVERSARY else "DATE '2000-01-01'"
    begins = _before(terms, "((d.from_at AT TIME ZONE d.zone)::date + 1)", anchor)
    return (
        "CASE WHEN d.base_at IS NOT NULL AND d.from_at = %(base)s "
        f"THEN ({begins})::timestamp AT TIME ZONE d.zone - interval '1 microsecond' ELSE d.from_at END"
    )


def _crossing(terms: Terms, measures: Mapping[str, Counted]) -> str:
    """When a measure that grows by the clock alone reaches its next threshold."""
    days = [
        f"CASE WHEN {day} > d.today THEN ({day})::timestamp AT TIME ZONE d.zone END"
        for rung in terms.rungs
        for code, threshold in rung.thresholds
        if (day := measures[code].reached_on.format(threshold=threshold))
    ]
    return f"least({', '.join(days)})" if days else "NULL::timestamptz"


def _values(terms: Terms) -> str:
    codes = terms.measures
    return _VALUED.format(
        columns=", ".join(f"coalesce(m_{code}.value, 0)::bigint AS m_{code}" for code in codes),
        joins=" ".join(f"LEFT JOIN m_{c} ON m_{c}.member_id = a.member_id AND m_{c}.slot = a.slot" for c in codes),
        figures=", ".join(f"'{code}', v.m_{code}" for code in codes),
        reached=_case([(_is_reached(rung), rung.position) for rung in reversed(terms.rungs)]),
    )


def _is_reached(rung: Rung) -> str:
    tests = [f"v.m_{measure} >= {threshold:d}" for measure, threshold in rung.thresholds]
    return f"({(' AND ' if rung.needs_all else ' OR ').join(tests)})" if tests else "false"


def _case(cases: Sequence[tuple[str, object]], otherwise: str = "NULL::int") -> str:
    if not cases:
        return otherwise
    return f"CASE {' '.join(f'WHEN {test} THEN {value}' for test, value in cases)} ELSE {otherwise} END"


def _next_position(rungs: Sequence[Rung], above: str) -> str:
    return _case([(f"coalesce({above}, -1) < {rung.position}", rung.position) for rung in rungs])


def _gap(terms: Terms, next_position: str, value: str) -> str:
    thresholds = [(rung.position, dict(rung.thresholds).get(terms.gap_measure)) for rung in terms.rungs]
    known = [(position, threshold) for position, threshold in thresholds if threshold is not None]
    return _case(
        [(f"{next_position} = {position}", f"greatest({threshold:d} - {value}, 0)") for position, threshold in known],
        "NULL::bigint",
    )


def _lower(terms: Terms, position: str, *balances: str) -> str:
    """Where a downgrade leads."""
    step = _case([(f"{position} > {rung.position}", rung.position) for rung in reversed(terms.rungs)])
    found = [step] if terms.downgrade == ONE_STEP else []
    assert terms.downgrade in (NONE, ONE_STEP, BY_BALANCE)
    return f"greatest({', '.join([*found, *balances])})"


def _period_end(terms: Terms) -> str:
    """When what was earned is counted from nothing again; a rolling period has no such day."""
    return "NULL" if terms.period == ROLLING else _after(terms, "d.today", "d.anchor")


def _boundary(terms: Terms, day: str, anchor: str, shift: int) -> str:
    """The end of a period in the month of ``day``, before it, or a step away; counted from the anchor, no drift."""
    months = (
        f"12 * (extract(year FROM {day}) - extract(year FROM {anchor})) + extract(month FROM {day})"
        f" - extract(month FROM {anchor})"
    )
    steps = f"(floor(({months}) / {terms.step}) + {shift})::int"
    return f"({anchor} + make_interval(months => {terms.step} * {steps}))::date"


def _after(terms: Terms, day: str, anchor: str) -> str:
    found = _boundary(terms, day, anchor, 0)
    return f"CASE WHEN {found} > {day} THEN {found} ELSE {_boundary(terms, day, anchor, 1)} END"


def _before(terms: Terms, day: str, anchor: str) -> str:
    found = _boundary(terms, f"({day} - 1)", anchor, 0)
    return f"CASE WHEN {found} < {day} THEN {found} ELSE {_boundary(terms, f'({day} - 1)', anchor, -1)} END"
