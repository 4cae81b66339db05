"""Rows changing hands between two members, a statement per table; each uses the table's index on the member."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import GeneratedField

from members.people.belongings import ENGINES, Belonging

# The column of a lifecycle row that PostgreSQL fills itself.
_GENERATED = "last_active_hour"


def join_equal(belonging: Belonging, *, survivor: int, absorbed: int) -> list[dict[str, Any]]:
    """Set aside the absorbed member's rows that have an equal one, which takes over their values where it is said so.

    Returns what is needed to take it back, a dict a row: the ``row`` set aside, and where the survivor's was written
    over what it ``was`` and what it is ``now``.
    """
    if not belonging.prefer and not belonging.combine:
        return []
    order = belonging.prefer or "member_id"
    equal = " AND ".join(f"mine.{column} IS NOT DISTINCT FROM theirs.{column}" for column in belonging.equal_by)
    pairs = _rows(
        f"""
        WITH ranked AS (
          SELECT t.*, to_jsonb(t) AS row, row_number() OVER (
            PARTITION BY {", ".join(belonging.equal_by)}
            ORDER BY {order}, member_id = %(survivor)s DESC) AS place
          FROM {belonging.table} t WHERE t.member_id IN (%(survivor)s, %(absorbed)s) AND ({belonging.among})
        )
        SELECT coalesce(jsonb_agg(jsonb_build_object(
          'row', theirs.row, 'was', mine.row, 'first', theirs.place < mine.place)), '[]')
        FROM ranked mine JOIN ranked theirs ON {equal}
        WHERE mine.member_id = %(survivor)s AND theirs.member_id = %(absorbed)s""",
        {"survivor": survivor, "absorbed": absorbed},
    )
    if not pairs:
        return []
    _delete(belonging, [pair["row"] for pair in pairs])
    written = [pair for pair in pairs if belonging.combine or pair["first"]]
    now = _take_over(belonging, written)
    written_places = {id(pair): n for n, pair in enumerate(written)}
    return [
        {"row": pair["row"], "was": pair["was"], "now": now[written_places[id(pair)]]}
        if id(pair) in written_places
        else {"row": pair["row"]}
        for pair in pairs
    ]


def copy(belonging: Belonging, *, survivor: int, absorbed: int) -> list[dict[str, Any]]:
    """Set the absorbed member's rows aside and give the survivor copies; returns each ``row`` with its ``copy``."""
    columns = [name for name in _columns(belonging) if name not in ("id", "member_id")]
    named = ", ".join(columns)
    same = " AND ".join(f"made.{column} IS NOT DISTINCT FROM gone.{column}" for column in columns)
    return _rows(
        f"""
        WITH gone AS (
          DELETE FROM {belonging.table} t WHERE t.member_id = %(absorbed)s AND ({belonging.copied})
          RETURNING *, to_jsonb(t) AS row
        ), made AS (
          INSERT INTO {belonging.table} AS t (member_id, {named}) SELECT %(survivor)s, {named} FROM gone
          RETURNING *, to_jsonb(t) AS row
        )
        SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('row', gone.row, 'copy', made.row)), '[]')
        FROM gone JOIN made ON {same}""",
        {"survivor": survivor, "absorbed": absorbed},
    )


def move(belonging: Belonging, *, survivor: int, absorbed: int) -> list[list[Any]]:
    """Hand every row of ``absorbed`` that may be the survivor's to them; returns the keys of those that moved.

    Behind the key of a row that was given another number stands the one it had.
    """
    if belonging.renumber:
        return _move_renumbered(belonging, survivor=survivor, absorbed=absorbed)
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


def _move_renumbered(belonging: Belonging, *, survivor: int, absorbed: int) -> list[list[Any]]:
    table, number = belonging.table, belonging.renumber
    group = [column for column in belonging.equal_by if column != number]
    in_group = " AND ".join(f"o.{column} = t.{column}" for column in group)
    return _rows(
        f"""
        WITH clashing AS (
          SELECT t.id, row_number() OVER (PARTITION BY {", ".join(group)} ORDER BY {number}, id) + (
            SELECT max(o.{number}) FROM {table} o
            WHERE o.member_id IN (%(survivor)s, %(absorbed)s) AND {in_group}
          ) AS number
          FROM {table} t WHERE t.member_id = %(absorbed)s AND ({belonging.among}) AND EXISTS (
            SELECT FROM {table} o
            WHERE o.member_id = %(survivor)s AND {in_group} AND o.{number} = t.{number} AND ({belonging.among}))
        ), old AS (SELECT id, {number} FROM {table} WHERE member_id = %(absorbed)s), moved AS (
          UPDATE {table} t SET member_id = %(survivor)s, {number} = coalesce(c.number, old.{number})
          FROM old LEFT JOIN clashing c USING (id) WHERE t.id = old.id RETURNING t.id, old.{number} AS was
        )
        SELECT coalesce(jsonb_agg(jsonb_build_array(id, was)), '[]') FROM moved""",
        {"survivor": survivor, "absorbed": absorbed},
    )


def move_back(belonging: Belonging, keys: Sequence[Any], *, survivor: int, absorbed: int) -> tuple[int, list[Any]]:
    """Hand the rows of these keys back, as far as the survivor still has them.

    Returns how many went, and the keys of those that stand in the way of something and stay.
    """
    return _one_by_one(lambda some: _move_back(belonging, some, survivor=survivor, absorbed=absorbed), keys)


def _move_back(belonging: Belonging, keys: Sequence[Any], *, survivor: int, absorbed: int) -> int:
    names = belonging.keys + ([belonging.renumber] if belonging.renumber else [])
    typed = ", ".join(
        f"(k.key ->> {n})::{belonging.model._meta.get_field(_field(belonging, name)).db_type(connection)} AS {name}"
        for n, name in enumerate(names)
    )
    same = " AND ".join(f"t.{name} = k.{name}" for name in belonging.keys)
    number = f", {belonging.renumber} = k.{belonging.renumber}" if belonging.renumber else ""
    with connection.cursor() as cursor:
        # Only the keys are read from JSON, so that the table is met by its index on the member.
        cursor.execute(
            f"UPDATE {belonging.table} t SET member_id = %(absorbed)s{number} "
            f"FROM (SELECT {typed} FROM jsonb_array_elements(%(keys)s::jsonb) AS k (key) OFFSET 0) k "
            f"WHERE t.member_id = %(survivor)s AND {same}",
            {"survivor": survivor, "absorbed": absorbed, "keys": json.dumps(list(keys))},
        )
        return cursor.rowcount


def put_back(belonging: Belonging, entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write rows that were set aside as they were, and those that took them over as they were before.

    What was changed since keeps the change. Returns the rows that could not be written: something equal has come
    since, or what they name has gone.
    """
    if belonging.combine:
        entries = [entry | {"row": row} for entry, row in zip(entries, _parts(belonging, entries), strict=True)]
    if copied := [entry for entry in entries if "copy" in entry]:
        only_unchanged = belonging.keeps_changed or bool(belonging.combine)
        _delete(belonging, [entry["copy"] for entry in copied], only_unchanged=only_unchanged)
        if belonging.combine:
            _one_by_one(lambda some: _give_up(belonging, some, "copy"), copied)
    if written := [entry for entry in entries if entry.get("was")]:
        _one_by_one(lambda some: _give_up(belonging, some), written)
    return insert(belonging, [entry.get("row", entry) for entry in entries])


def insert(belonging: Belonging, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write whole rows; returns those that could not be written."""
    key = ["member_id", *belonging.keys]
    before = {tuple(str(row[name]) for name in key) for row in rows}
    _, refused = _one_by_one(lambda some: _insert(belonging, some), rows)
    there = {
        tuple(str(row[name]) for name in key)
        for row in _rows(
            f"SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM {belonging.table} t "
            f"JOIN jsonb_populate_recordset(NULL::{belonging.table}, %(rows)s::jsonb) r ON "
            + " AND ".join(f"t.{name} = r.{name}" for name in key),
            {"rows": json.dumps(list(rows))},
        )
    }
    missing = before - there
    return [row for row in rows if row in refused or tuple(str(row[name]) for name in key) in missing]


def _insert(belonging: Belonging, rows: Sequence[dict[str, Any]]) -> int:
    columns = ", ".join(column for column in _columns(belonging) if column in rows[0])
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {belonging.table} ({columns}) "
            f"SELECT {columns} FROM jsonb_populate_recordset(NULL::{belonging.table}, %s::jsonb) "
            "ON CONFLICT DO NOTHING",
            [json.dumps(list(rows))],
        )
        return cursor.rowcount


def _take_over(belonging: Belonging, pairs: Sequence[dict[str, Any]]) -> list[Any]:
    """Write the survivor's row of each pair over; returns what they are then, in the same order."""
    sets = (
        {column: joined for column, (joined, _, _) in belonging.combine.items()}
        if belonging.combine
        else {column: f"o.{column}" for column in _values(belonging)}
    )
    return _write_pairs(belonging, pairs, sets, ("was", "row"))


def _give_up(belonging: Belonging, entries: Sequence[dict[str, Any]], ours: str = "now") -> int:
    """Set the survivor's rows back to what they were, column by column as far as nobody changed them since."""
    if belonging.combine:
        sets = {column: apart for column, (_, apart, _) in belonging.combine.items()}
        return len(_write_pairs(belonging, entries, sets, (ours, "row")))
    sets = {
        column: f"CASE WHEN to_jsonb(t.{column}) IS NOT DISTINCT FROM to_jsonb(o.{column}) "
        f"THEN w.{column} ELSE t.{column} END"
        for column in _values(belonging)
    }
    return len(_write_pairs(belonging, entries, sets, ("was", "now")))


def _parts(belonging: Belonging, entries: Sequence[dict[str, Any]]) -> list[Any]:
    """What each row set aside is when it is taken out of the survivor's again."""
    pairs = [{"ours": entry.get("now") or entry.get("copy"), "row": entry.get("row", entry)} for entry in entries]
    parts = ", ".join(f"'{column}', {sql}" for column, (_, _, sql) in belonging.combine.items())
    same = " AND ".join(f"t.{name} = w.{name}" for name in ["member_id", *belonging.keys])
    return _rows(
        f"""
        WITH pairs AS (SELECT * FROM jsonb_array_elements(%(pairs)s::jsonb) WITH ORDINALITY AS p (pair, n))
        SELECT coalesce(jsonb_agg(
          p.pair -> 'row' || CASE WHEN t.member_id IS NULL THEN '{{}}' ELSE jsonb_build_object({parts}) END ORDER BY p.n
        ), '[]')
        FROM pairs p
        CROSS JOIN LATERAL jsonb_populate_record(NULL::{belonging.table}, p.pair -> 'row') o
        LEFT JOIN LATERAL jsonb_populate_record(NULL::{belonging.table}, nullif(p.pair -> 'ours', 'null')) w ON true
        LEFT JOIN {belonging.table} t ON {same}""",
        {"pairs": json.dumps(pairs)},
    )


def _write_pairs(
    belonging: Belonging, pairs: Sequence[dict[str, Any]], sets: dict[str, str], names: tuple[str, str]
) -> list[Any]:
    """Set columns of rows ``t``; the pair's two rows of these names are ``w``, which names ``t``, and ``o``."""
    if not pairs:
        return []
    table = belonging.table
    record = f"jsonb_populate_record(NULL::{table}, p.pair -> "
    same = " AND ".join(f"t.{name} = w.{name}" for name in ["member_id", *belonging.keys])
    return _rows(
        f"""
        WITH w AS (
          SELECT p.n, r.* FROM jsonb_array_elements(%(pairs)s::jsonb) WITH ORDINALITY AS p (pair, n),
            LATERAL {record}'{names[0]}') r
        ), o AS (
          SELECT p.n, r.* FROM jsonb_array_elements(%(pairs)s::jsonb) WITH ORDINALITY AS p (pair, n),
            LATERAL {record}'{names[1]}') r
        ), written AS (
          UPDATE {table} t SET {", ".join(f"{column} = {sql}" for column, sql in sets.items())}
          FROM w JOIN o USING (n) WHERE {same} RETURNING w.n, to_jsonb(t) AS row
        )
        SELECT coalesce(jsonb_agg(row ORDER BY n), '[]') FROM written""",
        {"pairs": json.dumps(list(pairs))},
    )


def _delete(belonging: Belonging, rows: Sequence[dict[str, Any]], *, only_unchanged: bool = False) -> None:
    """Delete these rows, whatever has become of them since or only those nobody changed."""
    same = " AND ".join(f"t.{name} = r.{name}" for name in ["member_id", *belonging.keys])
    # A column may have come since.
    unchanged = " AND to_jsonb(t) @> e.row" if only_unchanged else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {belonging.table} t USING jsonb_array_elements(%s::jsonb) AS e (row), "
            f"LATERAL jsonb_populate_record(NULL::{belonging.table}, e.row) r WHERE {same}{unchanged}",
            [json.dumps(list(rows))],
        )


def _one_by_one(write: Callable[[Sequence[Any]], int], items: Sequence[Any]) -> tuple[int, list[Any]]:
    """Write all at once, or where the database refuses that each by itself; returns how many, and what it refuses."""
    if not items:
        return 0, []
    if (done := survive(lambda: write(items))) is not None:
        return done, []
    counts = [(survive(lambda item=item: write([item])), item) for item in items]  # type: ignore[misc]
    return sum(n or 0 for n, _ in counts), [item for n, item in counts if n is None]


def survive(act: Callable[[], Any]) -> Any:
    """What ``act`` returns, or None when a constraint or a trigger of the database refuses it and nothing was done."""
    try:
        with transaction.atomic():
            return act()
    except IntegrityError:
        return None


def images(belonging: Belonging, keys: Sequence[Any]) -> list[dict[str, Any]]:
    """The rows of these keys, whole."""
    if not keys:
        return []
    return _rows(
        f"SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM {belonging.table} t WHERE t.id = ANY(%(ids)s)",
        {"ids": [key[0] for key in keys]},
    )


def check_at_once() -> None:
    """Have foreign keys checked by each statement until the transaction ends, so that what breaks one is known."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


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


def engine_rows(member_ids: Sequence[int]) -> dict[str, list[Any]]:
    """Where engines left these members, by table."""
    tables = [model._meta.db_table for engine in ENGINES for model in engine.kept]
    sql = "SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM {} t WHERE member_id = ANY(%(members)s)"
    return {table: _rows(sql.format(table), {"members": list(member_ids)}) for table in tables}


def put_engine_rows(rows: dict[str, list[Any]]) -> None:
    """Put back where engines left members; a row that names what is gone by now is left as it is."""
    for model in [model for engine in ENGINES for model in engine.kept]:
        table = model._meta.db_table
        for row in rows.get(table, []):
            survive(lambda table=table, row=row: _replace(table, row))  # type: ignore[misc]


def _replace(table: str, row: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE member_id = %s", [row["member_id"]])
        columns = ", ".join(map(connection.ops.quote_name, row))
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s::jsonb)",
            [json.dumps(row)],
        )
        return cursor.rowcount


def lifecycle_image(member_id: int) -> dict[str, Any]:
    """A member's lifecycle row as it is."""
    sql = "SELECT jsonb_agg(to_jsonb(t)) FROM members_memberlifecycle t WHERE member_id = %(member)s"
    return _rows(sql, {"member": member_id})[0]


def place_anew(row: dict[str, Any]) -> None:
    """Put a lifecycle row into the table without a state, for the engine to place the member by their facts."""
    names = (
        "lifecycle_state",
        "resume_state",
        "transition_id",
        "state_since",
        "target_state",
        "target_rule",
        "brake_id",
    )
    put_lifecycle(row | dict.fromkeys(names))


def put_lifecycle(row: dict[str, Any]) -> None:
    """Put a lifecycle row into the table as it is."""
    placed = {name: value for name, value in row.items() if name != _GENERATED}
    columns = ", ".join(map(connection.ops.quote_name, placed))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO members_memberlifecycle ({columns}) "
            f"SELECT {columns} FROM jsonb_populate_record(NULL::members_memberlifecycle, %s::jsonb)",
            [json.dumps(placed)],
        )


def _columns(belonging: Belonging) -> list[str]:
    """The columns of a table that can be written, those that only the database knows among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
            "AND attgenerated = '' ORDER BY attnum",
            [belonging.table],
        )
        return [name for (name,) in cursor.fetchall()]


def _values(belonging: Belonging) -> list[str]:
    """The columns that say something of a row, beside what names it."""
    naming = {"member_id", *belonging.keys, *belonging.equal_by}
    fields = belonging.model._meta.concrete_fields
    columns = [field.column for field in fields if not isinstance(field, GeneratedField)]
    return [column for column in columns if column is not None and column not in naming]


def _field(belonging: Belonging, column: str) -> str:
    return next(field.name for field in belonging.model._meta.concrete_fields if field.column == column)


def _rows(sql: str, params: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found = cursor.fetchone()[0]
    return json.loads(found) if isinstance(found, str) else found
