"""Writing a checked file: set-based statements over its working tables, all inside the caller's transaction.

New members take the ids ``first_member_id + row number`` from a block reserved beforehand, so that every statement can
name them without a look-up. What was there before is kept in ``ImportEffect`` before it is changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from members.imports.cleaning import quoted
from members.imports.issues import is_good
from members.imports.shapes import PROFILE_COLUMNS
from members.imports.staging import rows_table, terms_table
from members.imports.validation import Plan

# A table that has just grown many times over is planned for as it was, until it is looked at anew.
ANALYZE = (
    "ANALYZE members_member (id), members_identity (member_id, kind, value), members_membersignal (member_id), "
    "members_memberlifecycle (member_id, lifecycle_state, next_due_at), members_membershipterm (member_id)"
)

# The checks of foreign keys keep the plan they were first made with. Made for an empty table it may walk a whole index for
# every row; looked at now, the table is met by its key.
ANALYZE_MEMBERS = "ANALYZE members_member (id)"

_EFFECT = "INSERT INTO members_importeffect (run_id, row_no, member_id, noun, object_id, before)"


@dataclass(frozen=True)
class Write:
    """One statement of an apply: what it does, in a word the progress shows."""

    step: str
    sql: str


@dataclass(frozen=True)
class Occasion:
    """Who writes, when, from which id on."""

    at: datetime
    actor_id: int | None
    first_member_id: int

    @property
    def now(self) -> str:
        return f"{quoted(self.at.isoformat())}::timestamptz"

    @property
    def actor(self) -> str:
        return "NULL" if self.actor_id is None else str(int(self.actor_id))


def reserve_member_ids(rows: int) -> int:
    """Set aside ``rows`` + 1 member ids for one run; returns the base to which row numbers are added.

    Inserts wait for the short lock, so none can take an id of the block. Ids of a run that fails are never used.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE members_member IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("SELECT pg_get_serial_sequence('members_member', 'id')")
        sequence = cursor.fetchone()[0]
        cursor.execute("SELECT nextval(%s)", [sequence])
        base = cursor.fetchone()[0]
        cursor.execute("SELECT setval(%s, %s)", [sequence, base + rows + 1])
    return base


def last_row_no(run_id: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT coalesce(max(row_no), 0) FROM {rows_table(run_id)}")
        return cursor.fetchone()[0]


def changed_since(at: datetime) -> bool:
    """Whether any member, identity or term was written since ``at``: then a check made at ``at`` may be wrong."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM members_member WHERE updated_at >= %(at)s) "
            "OR EXISTS (SELECT 1 FROM members_identity WHERE created_at >= %(at)s) "
            "OR EXISTS (SELECT 1 FROM members_membershipterm WHERE booked_at >= %(at)s OR closed_at >= %(at)s)",
            {"at": at},
        )
        return cursor.fetchone()[0]


def lock_members(plan: Plan) -> None:
    """Queue behind, and hold off, operations on the members this file changes, as every term operation does."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT count(*) FROM (SELECT 1 FROM members_memberlifecycle s WHERE s.member_id IN (
              SELECT r.member_id FROM {rows_table(plan.run_id)} r WHERE r.member_id IS NOT NULL AND {_is_changed(plan)}
            ) ORDER BY s.member_id FOR UPDATE) locked"""
        )


def _is_changed(plan: Plan) -> str:
    term = f"EXISTS (SELECT 1 FROM {terms_table(plan.run_id)} t WHERE t.row_no = r.row_no AND t.verdict IN ('new', 'tail'))"
    if plan.profile == "terms":
        return term
    return f"(r.profile_changed OR r.identity_changed OR r.signal_changed OR r.zone_changed OR {term})"


def member_writes(
    plan: Plan, occasion: Occasion, plan_ids: Mapping[str, tuple[int, int]], *, creates: bool, updates: bool
) -> Iterator[Write]:
    """The statements of a members-like file, in order, without those that would find nothing to do.

    ``plan_ids``: contract → (plan, tier) made for the file.
    """
    # Known members first: the planner still sees the tables as they are.
    if updates:
        yield from _updates(plan, occasion)
    if creates:
        yield from _inserts(plan, occasion)
    yield Write("terms", insert_terms(plan, occasion, plan_ids))
    if "auto_renewal_flag" in plan.columns or plan.profile == "telco":
        yield Write("signals", _signals(plan, occasion))
    if updates:
        yield Write("lifecycle", _mark_due(plan, occasion))
    if creates:
        yield Write("statistics", ANALYZE)


def _inserts(plan: Plan, occasion: Occasion) -> Iterator[Write]:
    """The members not known before, each with her lifecycle row and identities."""
    rows = rows_table(plan.run_id)
    new = f"FROM {rows} r WHERE r.member_id IS NULL AND {is_good(plan.run_id)}"
    new_id = f"{occasion.first_member_id:d} + r.row_no"
    zone = "coalesce(r.time_zone, '')" if plan.profile == "members" else "''"
    yield Write("members", _insert_members(plan, occasion, new, new_id))
    yield Write("statistics", ANALYZE_MEMBERS)
    yield Write("lifecycle", f"""
      INSERT INTO members_memberlifecycle (member_id, membership_status, auto_renewal_flag, time_zone, known_since, next_due_at)
      SELECT {new_id}, 'none', false, {zone}, {occasion.now}, {occasion.now} {new}""")  # fmt: skip
    for kind in _kinds(plan):
        yield Write("identities", f"""
          INSERT INTO members_identity (member_id, kind, value, created_at)
          SELECT {new_id}, '{kind}', r.{kind}, {occasion.now} {new} AND r.{kind} IS NOT NULL""")  # fmt: skip


def _kinds(plan: Plan) -> list[str]:
    return [kind for kind in plan.shape.identities if kind in plan.columns]


def _insert_members(plan: Plan, occasion: Occasion, new: str, new_id: str) -> str:
    names = ", ".join(PROFILE_COLUMNS)
    mapped = set(plan.columns) | set(plan.shape.derived(plan.setting))
    values = ", ".join(
        f"coalesce(r.{name}, {blank})" if name in mapped else blank for name, blank in PROFILE_COLUMNS.items()
    )
    return f"""
      INSERT INTO members_member (id, {names}, attributes, is_demo, created_at, updated_at)
      SELECT {new_id}, {values}, coalesce(r.attributes, '{{}}'::jsonb), false, {occasion.now}, {occasion.now} {new}"""


def insert_terms(plan: Plan, occasion: Occasion, plan_ids: Mapping[str, tuple[int, int]]) -> str:
    """The new terms; those of members known before are noted, so that undo can void them."""
    contract_plan = " ".join(f"WHEN {quoted(word)} THEN {ids[0]:d}" for word, ids in plan_ids.items())
    contract_tier = " ".join(f"WHEN {quoted(word)} THEN {ids[1]:d}" for word, ids in plan_ids.items())
    plan_id = f"coalesce(t.plan_id, CASE t.contract {contract_plan} END)" if plan_ids else "t.plan_id"
    tier_id = f"coalesce(t.tier_id, CASE t.contract {contract_tier} END)" if plan_ids else "t.tier_id"
    return f"""
      WITH booked AS (
        INSERT INTO members_membershipterm (member_id, plan_id, tier_id, kind, starts_at, ends_at, close_reason, price_cents,
          currency, external_ref, anchor_on, anchor_months, anchor_clock, dated_at, booked_at, recorded_by_id)
        SELECT coalesce(t.member_id, {occasion.first_member_id:d} + t.row_no), {plan_id}, {tier_id}, t.kind, t.starts_at, t.ends_at,
          '', t.price_cents, t.currency, t.external_ref, t.anchor_on, t.anchor_months, t.anchor_clock,
          CASE WHEN t.starts_at > {occasion.now} THEN t.starts_at END, {occasion.now}, {occasion.actor}
        FROM {terms_table(plan.run_id)} t WHERE t.verdict IN ('new', 'tail') AND {is_good(plan.run_id, "t")}
        RETURNING id, member_id, starts_at
      )
      {_EFFECT}
      SELECT {plan.run_id}, t.row_no, b.member_id, 'term', b.id, NULL
      FROM booked b JOIN {terms_table(plan.run_id)} t ON t.member_id = b.member_id AND t.starts_at = b.starts_at
      WHERE t.member_id IS NOT NULL"""


def _updates(plan: Plan, occasion: Occasion) -> Iterator[Write]:
    rows, good = rows_table(plan.run_id), is_good(plan.run_id)
    mapped = set(plan.columns) | set(plan.shape.derived(plan.setting))
    names = [name for name in PROFILE_COLUMNS if name in mapped]
    sets = [f"{name} = coalesce(r.{name}, m.{name})" for name in names]
    sets.append("attributes = m.attributes || coalesce(r.attributes, '{}'::jsonb)")
    before = ", ".join(f"'{name}', old.{name}" for name in (*names, "attributes", "updated_at"))
    yield Write("updates", f"""
      WITH changed AS (
        UPDATE members_member m SET {", ".join(sets)}, updated_at = {occasion.now}
        FROM {rows} r WHERE r.member_id = m.id AND r.profile_changed AND {good}
        RETURNING r.row_no, m.id, jsonb_build_object({before}) AS before
      )
      {_EFFECT} SELECT {plan.run_id}, c.row_no, c.id, 'member', c.id, c.before FROM changed c""")  # fmt: skip
    for kind in _kinds(plan):
        yield Write("updates", _update_identity(plan, occasion, kind, rows, good))
    if "time_zone" in plan.columns:
        yield Write("updates", f"""
          WITH changed AS (
            UPDATE members_memberlifecycle s SET time_zone = r.time_zone
            FROM {rows} r WHERE r.member_id = s.member_id AND r.zone_changed AND {good}
            RETURNING r.row_no, s.member_id, jsonb_build_object('time_zone', old.time_zone) AS before
          )
          {_EFFECT} SELECT {plan.run_id}, c.row_no, c.member_id, 'time_zone', NULL, c.before FROM changed c""")  # fmt: skip


def _update_identity(plan: Plan, occasion: Occasion, kind: str, rows: str, good: str) -> str:
    """A phone, address or number that differs replaces the old one; WeChat ids are added beside those known."""
    replaces = kind in ("external_id", "email", "phone")
    changed = f"""
        UPDATE members_identity i SET value = r.{kind}, created_at = {occasion.now}
        FROM {rows} r WHERE i.member_id = r.member_id AND i.kind = '{kind}' AND NOT i.is_former AND r.identity_changed
          AND r.{kind} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM members_identity k WHERE k.kind = '{kind}' AND k.value = r.{kind})
          AND i.value <> r.{kind} AND {good} AND {"true" if replaces else "false"}
        RETURNING r.row_no, i.member_id, i.id, jsonb_build_object('value', old.value, 'created_at', old.created_at) AS before"""
    return f"""
      WITH changed AS ({changed}),
      added AS (
        INSERT INTO members_identity (member_id, kind, value, created_at)
        SELECT r.member_id, '{kind}', r.{kind}, {occasion.now} FROM {rows} r
        WHERE r.identity_changed AND r.member_id IS NOT NULL AND r.{kind} IS NOT NULL AND {good}
          AND NOT EXISTS (SELECT 1 FROM members_identity i WHERE i.member_id = r.member_id AND i.kind = '{kind}'
            AND ({"NOT i.is_former OR" if replaces else ""} i.value = r.{kind}))
        RETURNING id, member_id
      )
      {_EFFECT}
      SELECT {plan.run_id}, c.row_no, c.member_id, 'identity', c.id, c.before FROM changed c
      UNION ALL
      SELECT {plan.run_id}, r.row_no, a.member_id, 'identity', a.id, NULL FROM added a JOIN {rows} r ON r.member_id = a.member_id"""


def _signals(plan: Plan, occasion: Occasion) -> str:
    """Auto-renewal as a dated fact: for new members only when on, for known ones when it differs."""
    rows = rows_table(plan.run_id)
    return f"""
      WITH told AS (
        INSERT INTO members_membersignal (member_id, kind, at, recorded_by_id)
        SELECT coalesce(r.member_id, {occasion.first_member_id:d} + r.row_no),
          CASE WHEN r.auto_renewal_flag THEN 'auto_renewal_on' ELSE 'auto_renewal_off' END, {occasion.now}, {occasion.actor}
        FROM {rows} r
        WHERE {is_good(plan.run_id)} AND (r.member_id IS NULL AND r.auto_renewal_flag OR r.signal_changed)
        RETURNING id, member_id
      )
      {_EFFECT}
      SELECT {plan.run_id}, r.row_no, t.member_id, 'signal', t.id, NULL FROM told t JOIN {rows} r ON r.member_id = t.member_id"""


def _mark_due(plan: Plan, occasion: Occasion) -> str:
    """Members known before whose facts changed are looked at again; new rows are due from the start."""
    return f"""
      UPDATE members_memberlifecycle s SET next_due_at = least(s.next_due_at, {occasion.now})
      WHERE s.member_id IN (
        SELECT e.member_id FROM members_importeffect e
        WHERE e.run_id = {plan.run_id} AND e.noun IN ('term', 'signal', 'time_zone'))"""


def term_writes(plan: Plan, occasion: Occasion) -> Iterator[Write]:
    """The statements of a terms file."""
    yield Write("terms", insert_terms(plan, occasion, {}))
    yield Write("lifecycle", _mark_due(plan, occasion))


def customer_writes(plan: Plan, occasion: Occasion) -> Iterator[Write]:
    """The members that an events file brings along, one for each external id not yet known."""
    rows = rows_table(plan.run_id)
    people = f"""(SELECT min(r.row_no) AS row_no, r.external_id FROM {rows} r
      WHERE r.member_id IS NULL AND r.external_id IS NOT NULL AND {is_good(plan.run_id)} GROUP BY r.external_id) r"""
    new_id = f"{occasion.first_member_id:d} + r.row_no"
    names, blanks = ", ".join(PROFILE_COLUMNS), ", ".join(PROFILE_COLUMNS.values())
    yield Write("members", f"""
      INSERT INTO members_member (id, {names}, attributes, is_demo, created_at, updated_at)
      SELECT {new_id}, {blanks}, '{{}}'::jsonb, false, {occasion.now}, {occasion.now} FROM {people}""")  # fmt: skip
    yield Write("statistics", ANALYZE_MEMBERS)
    yield Write("lifecycle", f"""
      INSERT INTO members_memberlifecycle (member_id, membership_status, auto_renewal_flag, time_zone, known_since, next_due_at)
      SELECT {new_id}, 'none', false, '', {occasion.now}, {occasion.now} FROM {people}""")  # fmt: skip
    yield Write("identities", f"""
      INSERT INTO members_identity (member_id, kind, value, created_at)
      SELECT {new_id}, 'external_id', r.external_id, {occasion.now} FROM {people}""")  # fmt: skip
    yield Write("statistics", ANALYZE)


def events_select(plan: Plan) -> str:
    """The good rows of an events file as ``record_events_from`` wants them."""
    rows = rows_table(plan.run_id)
    join, member = "", "r.member_id"
    if plan.shape.creates_members:
        join = "JOIN members_identity i ON i.kind = 'external_id' AND i.value = r.external_id"
        member = "i.member_id"
    return f"""
      SELECT {member} AS member_id, r.event_name AS name, r.occurred_at, r.message AS message_id, r.value_cents,
        r.event_currency AS currency, r.properties
      FROM {rows} r {join} WHERE {is_good(plan.run_id)}"""


def note_events(plan: Plan, source_id: int, occasion: Occasion) -> str:
    """Remember which events this run stored; and members it created are placed now, not at their first event."""
    return f"""
      WITH unplaced AS (
        UPDATE members_memberlifecycle s SET next_due_at = {occasion.now}
        WHERE s.lifecycle_state IS NULL AND s.known_since = {occasion.now} AND s.next_due_at < {occasion.now}
          AND s.member_id > {occasion.first_member_id:d}
      )
      {_EFFECT}
      SELECT {plan.run_id}, r.row_no, e.member_id, 'event', e.id, NULL
      FROM {rows_table(plan.run_id)} r JOIN members_event e
        ON e.message_id = r.message AND e.occurred_at = r.occurred_at AND e.source_id = {source_id:d}
      WHERE e.received_at = {occasion.now}"""
