"""Judging a staged file in PostgreSQL: one statement types every cell, finds every row's member and names every problem.

The statement is composed of our own field names and constants; the file's text only ever meets it as column values.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from config.engine.money import digits_of, minor_power_sql
from members.files.mapping import Field
from members.imports.cleaning import clean_sql, problem_sql, quoted, type_of, value_sql
from members.imports.shapes import EVENT_PROFILES, KEYS, PROFILE_COLUMNS, SHAPES, Setting, Shape
from members.imports.staging import raw_table, rows_table, terms_table
from members.terms.orders import HOUSE

# Volatile, cheap and safe in a parallel worker; nothing reads it.
_FENCE = "clock_timestamp() AS fence"


@dataclass(frozen=True)
class Plan:
    """How one file's columns fill one shape: field name → column index, and the columns kept as attributes."""

    run_id: int
    profile: str
    columns: Mapping[str, int]
    attributes: Mapping[str, int]
    header: Sequence[str]
    setting: Setting
    lookups: Mapping[str, Mapping[str, int]]

    @property
    def shape(self) -> Shape:
        return SHAPES[self.profile]


def rows_sql(plan: Plan) -> str:
    """``CREATE TABLE … AS``: per row its typed fields, derived columns, member, what would change, and problems.

    Each level is fenced by a volatile column, or the planner would pull it up and compute an expression once per
    reference. ``OFFSET 0`` would fence as well, but keep the whole statement from running on two cores.
    """
    shape, mapped = plan.shape, [f for f in plan.shape.fields if f.name in plan.columns]
    raw = {f.name: f"c{plan.columns[f.name]}" for f in mapped}
    cleaned = [f"{raw[f.name]} AS r_{f.name}, {clean_sql(f, raw[f.name])} AS k_{f.name}" for f in mapped]
    cleaned += [f"c{index} AS a_{index}" for index in plan.attributes.values()]
    power = _power(plan)
    values = [f"{value_sql(f, f'r_{f.name}', f'k_{f.name}', plan.lookups, power)} AS {f.name}" for f in mapped]
    values += [f"r_{f.name}, k_{f.name}" for f in mapped] + [f"{_attributes(plan)} AS attributes"]
    problems = [
        f"CASE WHEN k_{f.name} IS NOT NULL THEN '{f.name}:' || ({problem_sql(f, f'r_{f.name}', f'k_{f.name}', f.name)}) END"
        for f in mapped
    ]
    derived = shape.derived(plan.setting)
    kept = [f.name for f in (*shape.fields, _ATTRIBUTES) if f.name not in derived]
    outputs = [f"v.{name}" for name in kept] + list(derived.values())
    outputs = [
        f"{_without_unmapped(plan, sql)} AS {name}" for sql, name in zip(outputs, [*kept, *derived], strict=True)
    ]
    checks = problems + [_without_unmapped(plan, sql) for sql in shape.problems(plan.setting)]
    return f"""
    CREATE UNLOGGED TABLE {rows_table(plan.run_id)} WITH (autovacuum_enabled = off) AS
    SELECT {_matched(plan, [*kept, *derived])}
    FROM (
      SELECT v.row_no, {", ".join(outputs)}, {_all_of(checks)} AS problems, {_FENCE}
      FROM (
        SELECT row_no, {", ".join(values)}, {_FENCE}
        FROM (SELECT row_no, {", ".join(cleaned)}, {_FENCE} FROM {raw_table(plan.run_id)}) k
      ) v
    ) d
    {_joins(plan)}"""


def _power(plan: Plan) -> str:
    """How many minor units make one of a row's currency: the shape's own, else that of the row or the project."""
    usual = plan.shape.currency or plan.setting.currency
    if "currency" not in plan.columns:
        return str(10 ** digits_of(usual))
    named = value_sql(plan.shape.field("currency"), "r_currency", "k_currency", plan.lookups, "1")
    return minor_power_sql(f"coalesce({named}, {quoted(usual)})")


def _all_of(checks: Sequence[str]) -> str:
    """Every problem found, or NULL: that there is none, as nearly always, is cheaper to see than to write."""
    listed = ", ".join(checks)
    return f"CASE WHEN coalesce({listed}) IS NOT NULL THEN concat_ws(',', {listed}) END"


_ATTRIBUTES = Field("attributes", "", "text")


def _without_unmapped(plan: Plan, sql: str) -> str:
    """``sql`` with NULL for the fields no column fills: carried along as columns they would cost as much as real ones."""
    for field in plan.shape.fields:
        if field.name not in plan.columns:
            sql = re.sub(rf"\bv\.r_{field.name}\b", "NULL::text", sql)
            sql = re.sub(rf"\bv\.{field.name}\b", f"NULL::{type_of(field)}", sql)
    return sql


def _attributes(plan: Plan) -> str:
    if not plan.attributes:
        return "NULL::jsonb"
    pairs = ", ".join(f"{quoted(name)}, a_{index}" for name, index in plan.attributes.items())
    return f"nullif(jsonb_strip_nulls(jsonb_build_object({pairs})), '{{}}'::jsonb)"


def _identities(plan: Plan) -> list[str]:
    return [kind for kind in plan.shape.identities if kind in plan.columns]


def _joins(plan: Plan) -> str:
    joins = [
        f"LEFT JOIN members_identity i_{kind} ON i_{kind}.kind = '{kind}' AND i_{kind}.value = d.{kind}"
        for kind in _identities(plan)
    ]
    member = _member(plan)
    if plan.profile in ("members", "telco"):
        joins.append(f"LEFT JOIN members_member m ON m.id = {member}")
        joins.append(f"LEFT JOIN members_memberlifecycle s ON s.member_id = {member}")
    if plan.profile == "terms":
        joins.append(
            "LEFT JOIN members_membershipterm o ON o.external_ref = d.external_ref "
            "AND o.origin_id IS NULL AND o.voided_at IS NULL"
        )
    if plan.profile in EVENT_PROFILES:
        joins.append(
            "LEFT JOIN members_eventreceipt o ON o.message_id = d.message AND o.source_id = "
            f"{int(str(plan.setting.options.get('source') or 0))}"
        )
    return "\n    ".join(joins)


def _member(plan: Plan) -> str:
    keys = [f"i_{kind}.member_id" for kind in _identities(plan) if kind in KEYS]
    return f"coalesce({', '.join(keys)}, NULL)"


def _matched(plan: Plan, columns: Sequence[str]) -> str:
    member = _member(plan)
    found = ["d.row_no", *(f"d.{name}" for name in columns), f"{member} AS member_id"]
    if plan.profile in ("members", "telco"):
        found += _changes(plan)
        found.append(f"(i_{key_of(plan)}.member_id IS NULL AND {member} IS NOT NULL) AS by_contact")
    elif plan.profile == "terms":
        found.append("o.id AS same_order")
    else:
        found.append("o.message_id IS NOT NULL AS is_known")
    checks = ["d.problems", *_identity_problems(plan)]
    if not plan.shape.creates_members:
        checks.append(
            f"CASE WHEN {member} IS NULL AND coalesce({_given(plan)}) IS NOT NULL THEN '{key_of(plan)}:member_unknown' END"
        )
    if plan.profile == "terms":
        same = f"o.member_id = {member} AND o.starts_at = d.activation_time AND o.ends_at = d.term_end"
        checks.append(f"CASE WHEN o.id IS NOT NULL AND NOT coalesce({same}, false) THEN 'external_ref:order_taken' END")
        checks.append(f"CASE WHEN starts_with(d.external_ref, '{HOUSE}') THEN 'external_ref:order_reserved' END")
    found.append(f"{_all_of(checks)} AS problems")
    return ", ".join(found)


def _given(plan: Plan) -> str:
    return ", ".join(f"d.{kind}" for kind in _identities(plan) if kind in KEYS)


def key_of(plan: Plan) -> str:
    """The identity by which the file names members."""
    return next(kind for kind in _identities(plan) if kind in KEYS)


def _identity_problems(plan: Plan) -> list[str]:
    """An identity in the row that belongs to another member than the row's own."""
    member = _member(plan)
    checks = [
        f"CASE WHEN i_{kind}.member_id <> {member} THEN '{kind}:identity_taken' END" for kind in _identities(plan)
    ]
    if plan.profile == "members" and "external_id" in plan.columns:
        # Found by phone or email while that member goes by another number: two people share a contact.
        checks.append(
            f"CASE WHEN d.external_id IS NOT NULL AND i_external_id.member_id IS NULL AND {member} IS NOT NULL AND EXISTS ("
            f"SELECT 1 FROM members_identity other WHERE other.member_id = {member} AND other.kind = 'external_id' "
            "AND NOT other.is_former) "
            "THEN 'external_id:contact_of_another' END"
        )
    return checks


def _changes(plan: Plan) -> list[str]:
    mapped = set(plan.columns) | set(plan.shape.derived(plan.setting))
    profile = [
        f"(d.{name} IS DISTINCT FROM m.{name} AND d.{name} IS NOT NULL)" for name in PROFILE_COLUMNS if name in mapped
    ]
    if plan.attributes or "attributes" in mapped:
        profile.append("NOT coalesce(m.attributes @> d.attributes, true)")
    identity = [f"(d.{kind} IS NOT NULL AND i_{kind}.member_id IS NULL)" for kind in _identities(plan)]
    flag = "s.auto_renewal_flag IS DISTINCT FROM d.auto_renewal_flag" if "auto_renewal_flag" in mapped else "false"
    zone = "s.time_zone <> d.time_zone" if "time_zone" in mapped else "false"
    return [
        f"(m.id IS NOT NULL AND ({' OR '.join(profile) or 'false'})) AS profile_changed",
        f"(m.id IS NOT NULL AND ({' OR '.join(identity) or 'false'})) AS identity_changed",
        f"(m.id IS NOT NULL AND d.auto_renewal_flag IS NOT NULL AND {flag}) AS signal_changed"
        if "auto_renewal_flag" in mapped
        else "false AS signal_changed",
        f"coalesce(m.id IS NOT NULL AND {zone}, false) AS zone_changed",
    ]


TERMS = """
CREATE UNLOGGED TABLE {terms} WITH (autovacuum_enabled = off) AS
SELECT t.row_no, t.member_id, t.kind, t.tier_id, t.plan_id, t.contract, t.price_cents, t.currency, t.external_ref,
  t.verdict, t.ends_at, CASE WHEN t.verdict = 'tail' THEN lower(t.rest) ELSE t.starts_at END AS starts_at,
  CASE WHEN t.anchored THEN t.start_on ELSE t.end_on END AS anchor_on,
  CASE WHEN t.anchored THEN t.months ELSE 0 END AS anchor_months,
  ((CASE WHEN t.anchored THEN t.starts_at ELSE t.ends_at END) AT TIME ZONE {zone})::time AS anchor_clock
FROM (
  SELECT t.*, t.months BETWEEN 1 AND 1200 AND (t.start_on + make_interval(months => t.months))::date = t.end_on AS anchored,
    CASE
      WHEN t.rest IS NULL OR t.rest = tstzmultirange(tstzrange(t.starts_at, t.ends_at)) THEN 'new'
      -- Files carry seconds: less than one is no other cover.
      WHEN isempty(t.rest) OR upper(t.rest) - lower(t.rest) < interval '1 second' THEN 'covered'
      WHEN {tail} THEN 'tail'
      ELSE 'overlap'
    END AS verdict
  FROM (
    SELECT t.*, (extract(year FROM t.end_on) - extract(year FROM t.start_on))::int * 12
        + (extract(month FROM t.end_on) - extract(month FROM t.start_on))::int AS months,
      CASE WHEN e.cover IS NOT NULL THEN tstzmultirange(tstzrange(t.starts_at, t.ends_at)) - e.cover END AS rest
    FROM (
      SELECT c.*, (c.starts_at AT TIME ZONE {zone})::date AS start_on, (c.ends_at AT TIME ZONE {zone})::date AS end_on
      FROM ({candidates}) c OFFSET 0
    ) t
    LEFT JOIN (
      SELECT p.member_id, range_agg(p.period) AS cover FROM members_membershipterm p
      WHERE NOT isempty(p.period) AND p.member_id IN (SELECT r.member_id FROM {rows} r WHERE r.member_id IS NOT NULL)
      GROUP BY p.member_id
    ) e ON e.member_id = t.member_id
  ) t
) t"""

# What of a member's cover in a members file goes on where the known cover ends is a renewal.
_TAIL = "upper(t.rest) = t.ends_at AND lower(t.rest) > t.starts_at AND t.rest = tstzmultirange(tstzrange(lower(t.rest), upper(t.rest)))"


def terms_sql(plan: Plan) -> str:
    """``CREATE TABLE … AS``: the terms the rows call for and how each stands to the cover already known."""
    candidates = plan.shape.terms(plan.setting, rows_table(plan.run_id))
    if not candidates:
        return ""
    return TERMS.format(
        terms=terms_table(plan.run_id),
        rows=rows_table(plan.run_id),
        candidates=candidates,
        zone=quoted(plan.setting.zone),
        tail="false" if plan.profile == "terms" else _TAIL,
    )


def build(plan: Plan) -> None:
    """Make the ``rows`` and ``terms`` tables of a staged file and write its issues. Again gives the same."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {terms_table(plan.run_id)}")
        cursor.execute(f"DROP TABLE IF EXISTS {rows_table(plan.run_id)}")
        cursor.execute(rows_sql(plan))
        cursor.execute(f"ANALYZE {rows_table(plan.run_id)} (row_no, member_id)")
        if statement := terms_sql(plan):
            cursor.execute(statement)
            cursor.execute(f"ANALYZE {terms_table(plan.run_id)} (row_no, member_id)")
