"""Rows changing hands between two members, a statement per table; each uses the table's index on the member."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from members.people.belongings import Belonging

# The column of a lifecycle row that PostgreSQL fills itself.
_GENERATED = "last_active_hour"


def set_aside(belonging: Belonging, *, survivor: int, absorbed: int) -> list[dict[str, Any]]:
    """Delete the rows of either member that give way to an equal one; returns them whole."""
    if not belonging.prefer:
        return []
    keys = ", ".join(f"t.{key}" for key in belonging.keys)
    same = " AND ".join(f"t.{key} = r.{key}" for key in belonging.keys)
    return _rows(
        f"""
        WITH ranked AS (
          SELECT t.member_id, {keys}, row_number() OVER (
            PARTITION BY {", ".join(belonging.equal_by)}
            ORDER BY {belonging.prefer}, member_id = %(survivor)s DESC) AS place
          FROM {belonging.table} t WHERE t.member_id IN (%(survivor)s, %(absorbed)s) AND ({belonging.among})
        ),
        gone AS (
          DELETE FROM {belonging.table} t USING ranked r WHERE r.place > 1 AND t.member_id = r.member_id AND {same}
          RETURNING to_jsonb(t) AS row
        )
        SELECT coalesce(jsonb_agg(row), '[]') FROM gone""",
        {"survivor": survivor, "absorbed": absorbed},
    )


def move(belonging: Belonging, *, survivor: int, absorbed: int) -> list[list[Any]]:
    """Hand every row of ``absorbed`` that may be the survivor's to her; returns the keys of those that moved."""
    equal = " AND ".join(f"o.{column} = t.{column}" for column in belonging.equal_by)
    # Bare column names of ``among`` are the moving row's outside and the other row's inside the sub-select.
    free = (
        f"AND (({belonging.among}) IS NOT TRUE OR NOT EXISTS (SELECT 1 FROM {belonging.table} o "
        f"WHERE o.member_id = %(survivor)s AND {equal} AND ({belonging.among})))"
        if belonging.equal_by
        else ""
    )
    keys = ", ".join(f"t.{key}" for key in belonging.keys)
    return _rows(
        f"""
        WITH moved AS (
          UPDATE {belonging.table} t SET member_id = %(survivor)s WHERE t.member_id = %(absorbed)s {free}
          RETURNING {keys}
        )
        SELECT coalesce(jsonb_agg(jsonb_build_array({", ".join(belonging.keys)})), '[]') FROM moved""",
        {"survivor": survivor, "absorbed": absorbed},
    )


def move_back(belonging: Belonging, keys: Sequence[Any], *, survivor: int, absorbed: int) -> int:
    """Hand the rows of these keys back, as far as the survivor still has them; returns how many."""
    if not keys:
        return 0
    names = belonging.keys
    typed = ", ".join(
        f"(k.key ->> {n})::{belonging.model._meta.get_field(_field(belonging, name)).db_type(connection)} AS {name}"
        for n, name in enumerate(names)
    )
    same = " AND ".join(f"t.{name} = k.{name}" for name in names)
    with connection.cursor() as cursor:
        # Only the keys are read from JSON, so that the table is met by its index on the member.
        cursor.execute(
            f"UPDATE {belonging.table} t SET member_id = %(absorbed)s "
            f"FROM (SELECT {typed} FROM jsonb_array_elements(%(keys)s::jsonb) AS k (key) OFFSET 0) k "
            f"WHERE t.member_id = %(survivor)s AND {same}",
            {"survivor": survivor, "absorbed": absorbed, "keys": json.dumps(list(keys))},
        )
        return cursor.rowcount


def put_back(belonging: Belonging, rows: Sequence[dict[str, Any]]) -> int:
    """Write rows that were set aside as they were, unless an equal one has come since; returns how many."""
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {belonging.table} SELECT * FROM jsonb_populate_recordset(NULL::{belonging.table}, %s::jsonb) "
            "ON CONFLICT DO NOTHING",
            [json.dumps(list(rows))],
        )
        return cursor.rowcount


def count_of(belonging: Belonging, member_id: int) -> int:
    """How many rows a member has."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {belonging.table} WHERE member_id = %s", [member_id])
        return int(cursor.fetchone()[0])


def still_there(belonging: Belonging, member_ids: Sequence[int]) -> set[int]:
    """Which of these members have rows that could move."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT m.id FROM unnest(%s::bigint[]) AS m (id) "
            f"WHERE EXISTS (SELECT 1 FROM {belonging.table} t WHERE t.member_id = m.id)",
            [list(member_ids)],
        )
        return {pk for (pk,) in cursor.fetchall()}


def lifecycle_row(member_id: int) -> dict[str, Any]:
    """A member's lifecycle row, taken out of the table."""
    return _rows(
        "WITH gone AS (DELETE FROM members_memberlifecycle t WHERE t.member_id = %(member)s "
        "RETURNING to_jsonb(t) AS row) SELECT coalesce(jsonb_agg(row), '[]') FROM gone",
        {"member": member_id},
    )[0]


def place_anew(row: dict[str, Any]) -> None:
    """Put a lifecycle row into the table without a state, for the engine to place her by her facts."""
    names = (
        "lifecycle_state",
        "resume_state",
        "transition_id",
        "state_since",
        "target_state",
        "target_rule",
        "brake_id",
    )
    placed = {name: value for name, value in row.items() if name != _GENERATED} | dict.fromkeys(names)
    columns = ", ".join(map(connection.ops.quote_name, placed))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO members_memberlifecycle ({columns}) "
            f"SELECT {columns} FROM jsonb_populate_record(NULL::members_memberlifecycle, %s::jsonb)",
            [json.dumps(placed)],
        )


def overlapping_terms(one: int, other: int) -> list[tuple[int, int]]:
    """Pairs of terms, one of each member, that cover a common stretch of time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id, b.id FROM members_membershipterm a JOIN members_membershipterm b ON a.period && b.period "
            "WHERE a.member_id = %s AND b.member_id = %s ORDER BY a.starts_at, b.starts_at",
            [one, other],
        )
        return cursor.fetchall()


def _field(belonging: Belonging, column: str) -> str:
    return next(field.name for field in belonging.model._meta.concrete_fields if field.column == column)


def _rows(sql: str, params: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchone()[0]
    return json.loads(found) if isinstance(found, str) else found
