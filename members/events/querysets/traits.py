"""Traits of identify calls into profiles: per trait the latest message wins, in whatever order they arrive."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from members.events.likeness import note_likeness

MAX_ATTRIBUTES_BYTES = 64 << 10

_DAY = r"^\d{4}-\d{2}-\d{2}([T ].*)?$"

# Trait → (column, type, value). The value is SQL on the trait's text {t}, NULL when its column cannot hold it.
_PROFILE = {
    "name": ("display_name", "text", "nullif(left(btrim({t}), 120), '')"),
    "city": ("city", "text", "nullif(left(btrim({t}), 80), '')"),
    "language": ("language", "text", "CASE WHEN {t} ~ '^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})?$' THEN {t} END"),
    "gender": (
        "gender", "text",
        "CASE lower({t}) WHEN 'f' THEN 'female' WHEN 'm' THEN 'male' "
        "ELSE substring(lower({t}) FROM '^(female|male|other)$') END",
    ),
    "birthday": (
        "birthday_on", "date",
        "CASE WHEN {t} ~ '" + _DAY + "' AND pg_input_is_valid(left({t}, 10), 'date') "
        "THEN CASE WHEN left({t}, 10)::date BETWEEN '1900-01-01' AND (%(at)s::timestamptz)::date "
        "THEN left({t}, 10) END END",
    ),
    "createdAt": (
        "registered_at", "timestamptz",
        "CASE WHEN {t} ~ '" + _DAY + "' AND pg_input_is_valid({t}, 'timestamptz') THEN CASE WHEN {t}::timestamptz "
        "BETWEEN '1970-01-01' AND %(at)s::timestamptz THEN {t} END END",
    ),
}  # fmt: skip
# Traits that are identities, in the form ``normalise_identity`` gives; NULL when the text is none.
_ADDRESSES = {
    "email": r"CASE WHEN {t} ~ '^[^@\s]+@[^@\s]+$' AND length({t}) <= 200 THEN lower(normalize({t}, NFKC)) END",
    "phone": (
        r"substring(regexp_replace(regexp_replace(normalize({t}, NFKC), '[\s().·-]', '', 'g'), "
        r"'^\+?86(1[3-9]\d{9})$', '\1') FROM '^\+?\d{5,15}$')"
    ),
}
_VALUES = {name: value for name, (_, _, value) in _PROFILE.items()} | _ADDRESSES
_USABLE = " ".join(f"WHEN '{name}' THEN {value.replace('{t}', 's.text')}" for name, value in _VALUES.items())
_FIELDS = ", ".join(
    f"{column} = coalesce((t.known ->> '{name}')::{cast}, m.{column})" for name, (column, cast, _) in _PROFILE.items()
)

_CLASHES = """
SELECT DISTINCT l.member_id, i.member_id AS other_id, l.name AS reason FROM latest l
JOIN members_identity i ON i.kind = l.name AND i.value = l.usable
WHERE l.name IN ('email', 'phone') AND i.member_id <> l.member_id"""

# As if a message of that instant had said so; its empty id loses against one of the same instant.
_STAMP = """
INSERT INTO members_traitstamp AS w (member_id, name, stated_at, message_id)
SELECT %(member)s, t.name, %(at)s, '' FROM unnest(%(traits)s::text[]) AS t (name) ORDER BY t.name
ON CONFLICT (member_id, name) DO UPDATE SET stated_at = excluded.stated_at, message_id = excluded.message_id
  WHERE excluded.stated_at > w.stated_at"""

# Facts are (member_id, occurred_at, message_id, payload). A value that its field cannot hold says nothing.
_APPLY = f"""
WITH facts AS MATERIALIZED (<facts>),
said AS MATERIALIZED (
  SELECT DISTINCT ON (s.member_id, s.name) s.* FROM (
    SELECT s.*, CASE s.name {_USABLE} END AS usable FROM (
      SELECT f.member_id, f.occurred_at, f.message_id, e.key AS name, e.value,
        e.key IN ({", ".join(f"'{name}'" for name in _VALUES)}) AS is_known,
        CASE WHEN jsonb_typeof(e.value) = 'string' THEN e.value #>> '{{}}' END AS text
      FROM facts f CROSS JOIN jsonb_each(f.payload) e WHERE length(e.key) BETWEEN 1 AND 120 OFFSET 0
    ) s OFFSET 0
  ) s
  WHERE NOT s.is_known OR s.usable IS NOT NULL
  ORDER BY s.member_id, s.name, s.occurred_at DESC, s.message_id DESC
),
won AS (
  INSERT INTO members_traitstamp AS w (member_id, name, stated_at, message_id)
  SELECT member_id, name, occurred_at, message_id FROM said ORDER BY member_id, name
  ON CONFLICT (member_id, name) DO UPDATE SET stated_at = excluded.stated_at, message_id = excluded.message_id
    WHERE (excluded.stated_at, excluded.message_id) > (w.stated_at, w.message_id)
  RETURNING member_id, name
),
latest AS MATERIALIZED (SELECT s.* FROM said s JOIN won USING (member_id, name)),
told AS (
  SELECT member_id, coalesce(jsonb_object_agg(name, usable) FILTER (WHERE is_known), '{{}}') AS known,
    coalesce(jsonb_object_agg(name, value) FILTER (WHERE NOT is_known), '{{}}') AS others
  FROM latest GROUP BY member_id
),
profiled AS (
  UPDATE members_member m SET {_FIELDS}, updated_at = %(at)s, attributes = CASE
    WHEN pg_column_size(m.attributes || t.others) <= {MAX_ATTRIBUTES_BYTES} THEN m.attributes || t.others
    ELSE m.attributes END
  FROM told t WHERE m.id = t.member_id
  RETURNING m.id
),
addressed AS MATERIALIZED (
  SELECT DISTINCT ON (l.name, l.usable) l.member_id, l.name AS kind, l.usable AS value FROM latest l
  WHERE l.name IN ('email', 'phone')
    AND NOT EXISTS (SELECT 1 FROM members_identity i WHERE i.kind = l.name AND i.value = l.usable)
  ORDER BY l.name, l.usable, l.occurred_at, l.message_id
),
changed AS (
  UPDATE members_identity i SET value = a.value, created_at = %(at)s
  FROM addressed a WHERE i.member_id = a.member_id AND i.kind = a.kind AND NOT i.is_former
),
added AS (
  INSERT INTO members_identity (member_id, kind, value, created_at)
  SELECT a.member_id, a.kind, a.value, %(at)s FROM addressed a
  WHERE NOT EXISTS (
    SELECT 1 FROM members_identity i WHERE i.member_id = a.member_id AND i.kind = a.kind AND NOT i.is_former)
)
-- An address or number that somebody else has says that the two may be one.
SELECT (SELECT count(*) FROM profiled), (SELECT jsonb_agg(c) FROM ({_CLASHES}) c)"""

_FOUND = "SELECT * FROM jsonb_to_recordset(%(clashes)s::jsonb) AS c (member_id bigint, other_id bigint, reason text)"


def stamp_fields(*, member_id: int, fields: Iterable[str], at: datetime) -> None:
    """Note that a person set these fields and identities at ``at``: no older message overwrites them."""
    by_column = {column: name for name, (column, _, _) in _PROFILE.items()}
    traits = [by_column.get(field, field) for field in fields if field in by_column or field in _ADDRESSES]
    if traits:
        with connection.cursor() as cursor:
            cursor.execute(_STAMP, {"member": member_id, "traits": traits, "at": at})


def apply_traits(*, facts: str, params: dict[str, Any]) -> int:
    """Bring profiles up to date with the facts the SQL ``facts`` yields; returns how many members changed.

    An address or number that somebody else has is left alone; that the two may be one person is said to whoever keeps
    likely duplicates.
    """
    with connection.cursor() as cursor:
        cursor.execute(_APPLY.replace("<facts>", facts), params)
        changed, clashes = cursor.fetchone()
    if clashes:
        note_likeness(found=_FOUND, params={"clashes": clashes, "at": params["at"]})
    return changed
