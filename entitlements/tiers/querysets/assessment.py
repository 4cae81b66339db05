"""The one statement that assesses tiers: ``entitlements.tiers.rules`` in SQL, for every due member at once.

Stages end in ``OFFSET 0``: a pulled-up sub-select would be evaluated once per reference, a materialised one copied.
"""

from collections.abc import Mapping, Sequence

from entitlements.tiers.rules import ANNIVERSARY, BY_BALANCE, CALENDAR, NONE, ONE_STEP, ROLLING, Rung, Terms

# A tier that ran out by its date is still what the row says until somebody assesses it.
DUE = """
due AS MATERIALIZED (
  SELECT s.member_id, s.tier_id, s.via, s.since, s.qualified_tier_id, s.judged_on, s.anchor_on
  FROM entitlements_tierstanding s JOIN members_memberlifecycle l ON l.member_id = s.member_id
  WHERE s.due_at <= %(at)s{scope}
  ORDER BY s.due_at
  LIMIT %(limit)s
  FOR UPDATE OF s SKIP LOCKED
)"""
ONLY_MEMBERS = " AND s.member_id = ANY(%(members)s)"

# Everybody after a member, without touching anything: what a draft would do.
LOOKED_AT = """
due AS MATERIALIZED (
  SELECT l.member_id, s.tier_id, s.via, s.since, s.qualified_tier_id, s.judged_on, s.anchor_on
  FROM members_memberlifecycle l LEFT JOIN entitlements_tierstanding s ON s.member_id = l.member_id
  WHERE l.member_id > %(after)s
  ORDER BY l.member_id
  LIMIT %(limit)s
)"""

_BASE = """
base AS NOT MATERIALIZED (
  SELECT d.member_id, d.tier_id AS was_id, d.via AS was_via, d.since AS was_since, d.judged_on, d.anchor_on, z.zone,
    (%(at)s AT TIME ZONE z.zone)::date AS today,
    (coalesce(m.registered_at, m.created_at) AT TIME ZONE z.zone)::date AS joined_on,
    was.position AS was_position, held.position AS held_position, bought.position AS term_position,
    {floor} AS floor_position,
    given.id AS manual_id, given.until AS manual_until, hand.position AS manual_position
  FROM due d
  JOIN members_memberlifecycle l ON l.member_id = d.member_id
  JOIN members_member m ON m.id = d.member_id
  CROSS JOIN LATERAL (SELECT coalesce(nullif(l.time_zone, ''), %(zone)s) AS zone) z
  LEFT JOIN members_tier was ON was.id = d.tier_id
  LEFT JOIN members_tier held ON held.id = d.qualified_tier_id
  LEFT JOIN members_tier bought ON bought.id = l.tier_id
  LEFT JOIN entitlements_manualtier given ON given.member_id = d.member_id AND given.ended_at IS NULL
    AND given.since <= %(at)s AND (given.until IS NULL OR given.until > %(at)s)
  LEFT JOIN members_tier hand ON hand.id = given.tier_id
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
    now_on::timestamp AT TIME ZONE zone AS start_at, 'infinity'::timestamptz AS end_at, zone, joined_on
  FROM placed
  UNION ALL
  SELECT member_id, 'period', period_on, least(held_on, today + 1), period_on::timestamp AT TIME ZONE zone,
    CASE WHEN held_on <= today THEN held_on::timestamp AT TIME ZONE zone ELSE 'infinity' END, zone, joined_on
  FROM placed WHERE held_position IS NOT NULL AND (held_on <= today OR period_on <> now_on)
)"""

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
    SELECT f.*, CASE WHEN f.falls_to IS DISTINCT FROM f.new_position THEN f.until_on END AS falls_on
    FROM foreseen f OFFSET 0
  ) d OFFSET 0
)"""

_WRITE = """
settled AS MATERIALIZED (
  SELECT d.*, t.id AS tier_id, q.id AS qualified_id, n.id AS next_id, CASE WHEN d.is_noticed THEN f.id END AS falls_id,
    d.position IS DISTINCT FROM d.was_position AS is_changed,
    CASE d.via WHEN 'manual' THEN d.manual_until ELSE d.until_on::timestamp AT TIME ZONE d.zone END AS until,
    CASE WHEN d.is_due_again THEN %(at)s ELSE least(
      {period_end}::timestamp AT TIME ZONE d.zone,
      CASE WHEN d.new_on > d.today THEN d.new_on::timestamp AT TIME ZONE d.zone END,
      CASE WHEN d.verdict = 'grace' THEN (d.new_on + {grace})::timestamp AT TIME ZONE d.zone END,
      CASE WHEN NOT d.is_noticed THEN (d.falls_on - {notice})::timestamp AT TIME ZONE d.zone END,
      d.manual_until) END AS look_at,
    jsonb_build_object('now', d.now_figures, 'since', d.now_on, 'period', coalesce(d.period_figures, d.now_figures),
      'verdict', d.verdict, 'judged_on', d.new_on, 'secured', d.is_secured) AS facts
  FROM decided d
  LEFT JOIN members_tier t ON t.position = d.position LEFT JOIN members_tier q ON q.position = d.new_position
  LEFT JOIN members_tier n ON n.position = d.next_position LEFT JOIN members_tier f ON f.position = d.falls_to
),
logged AS (
  INSERT INTO entitlements_tierchange (member_id, from_tier_id, to_tier_id, is_up, via, policy_id, facts, at, actor_id)
  SELECT member_id, was_id, tier_id, coalesce(position, -1) > coalesce(was_position, -1),
    coalesce(nullif(via, ''), was_via), %(policy)s, facts, %(at)s, %(actor)s
  FROM settled WHERE is_changed ORDER BY member_id
  RETURNING from_tier_id, to_tier_id
),
written AS (
  UPDATE entitlements_tierstanding s SET
    tier_id = d.tier_id, via = d.via, since = CASE WHEN d.is_changed THEN %(at)s ELSE d.was_since END,
    until = d.until, manual_id = CASE WHEN d.via = 'manual' THEN d.manual_id END,
    qualified_tier_id = d.qualified_id, judged_on = d.new_on, anchor_on = d.new_anchor_on, policy_id = %(policy)s,
    facts = d.facts, next_tier_id = d.next_id, gap = d.gap, will_downgrade_to_id = d.falls_id,
    will_downgrade_at = CASE WHEN d.is_noticed THEN d.falls_on::timestamp AT TIME ZONE d.zone END,
    due_at = d.look_at, assessed_at = %(at)s,
    changed_xid = CASE WHEN d.is_changed THEN pg_current_xact_id() ELSE s.changed_xid END
  FROM settled d WHERE s.member_id = d.member_id
  RETURNING s.due_at <= %(at)s AS is_due_again
)
SELECT from_tier_id, to_tier_id, count(*)::int, true, 0 FROM logged GROUP BY 1, 2
UNION ALL
SELECT NULL, NULL, count(*)::int, false, (count(*) FILTER (WHERE is_due_again))::int FROM written"""

# As if each were judged at her period's end on what is counted so far; effective tiers, so that what she bought counts.
_LOOK = """
SELECT d.member_id, f.id, t.id
FROM (
  SELECT member_id, greatest(was_position, term_position) AS was,
    greatest(CASE WHEN falls_on IS NULL THEN new_position ELSE falls_to END, manual_position, term_position) AS then
  FROM decided
) d
LEFT JOIN members_tier f ON f.position = d.was LEFT JOIN members_tier t ON t.position = d.then"""


def round_sql(terms: Terms, measures: Mapping[str, str], *, only_members: bool) -> str:
    """One round over due members: rows (from, to, moved, true, 0) and a last (NULL, NULL, judged, false, due again).

    ``measures`` are the statements of ``terms.measures`` by code.
    """
    due = DUE.format(scope=ONLY_MEMBERS if only_members else "")
    write = _WRITE.format(period_end=_period_end(terms), grace=terms.grace_days, notice=terms.notice_days)
    return _stages(due, terms, measures) + "," + write


def matrix_sql(terms: Terms, measures: Mapping[str, str]) -> str:
    """Rows (from, to, members) of who would move under the terms; writes nothing."""
    return _looking(terms, measures, "SELECT was_id, then_id, count(*)::int FROM look WHERE {moves} GROUP BY 1, 2")


def movers_sql(terms: Terms, measures: Mapping[str, str]) -> str:
    """One row: the last member looked at, and the ids of those who would move from ``source`` to ``target``."""
    wanted = "was_id IS NOT DISTINCT FROM %(source)s::bigint AND then_id IS NOT DISTINCT FROM %(target)s::bigint"
    return _looking(
        terms, measures, "SELECT max(member_id), array_agg(member_id ORDER BY member_id) FILTER (WHERE "
        f"{wanted} AND {{moves}}) FROM look"
    )  # fmt: skip


def _looking(terms: Terms, measures: Mapping[str, str], select: str) -> str:
    look = f"look (member_id, was_id, then_id) AS ({_LOOK})"
    return f"{_stages(LOOKED_AT, terms, measures)}, {look} {select.format(moves='was_id IS DISTINCT FROM then_id')}"


def _stages(due: str, terms: Terms, measures: Mapping[str, str]) -> str:
    is_rolling = terms.period == ROLLING
    base = _BASE.format(
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
        lower_held=_lower(terms, "j.held_position", "j.floor_position", "j.earned", "j.kept"),
        lower_new=_lower(terms, "f.new_position", "f.floor_position", "f.so_far"),
        earned_of_new_period="NULL" if is_rolling else "m.earned",
        next_position=_next_position(terms.rungs, "greatest(f.new_position, f.floor_position, f.manual_position)"),
        gap=_gap(terms, "d.next_position", "d.gap_value"),
    )  # fmt: skip
    own = [f"m_{code} (member_id, slot, value) AS MATERIALIZED ({measures[code]})" for code in terms.measures]
    return "WITH " + ",\n".join([due, base, _ASKED, *own, _values(terms), judged])


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


def _lower(terms: Terms, position: str, floor: str, *balances: str) -> str:
    """Where a downgrade leads. LEAST passes over nulls, so a missing floor is asked for by itself."""
    step = _case([(f"{position} > {rung.position}", rung.position) for rung in reversed(terms.rungs)])
    found = [step] if terms.downgrade == ONE_STEP else []
    assert terms.downgrade in (NONE, ONE_STEP, BY_BALANCE)
    held_up = f"CASE WHEN {floor} IS NOT NULL THEN least({floor}, {position}) END"
    return f"greatest({', '.join([*found, *balances, held_up])})"


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
