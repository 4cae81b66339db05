"""Parked messages whose member has appeared: claimed, linked, and handed on as if they had just come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

_CLAIM = """
SELECT p.id, p.source_id, p.type IN ('identify', 'alias'), date_trunc('month', p.occurred_at, 'UTC')::date
FROM members_parkedevent p JOIN members_identity i ON i.kind = p.kind AND i.value = p.value
WHERE %(members)s::bigint[] IS NULL OR i.member_id = ANY(%(members)s)
ORDER BY p.id LIMIT %(limit)s
FOR UPDATE OF p SKIP LOCKED"""

_FOUND = """
FROM members_parkedevent p JOIN members_identity i ON i.kind = p.kind AND i.value = p.value
WHERE p.id = ANY(%(parked)s)"""

EVENTS = f"""
SELECT i.member_id, p.name, p.occurred_at, p.message_id, p.value_cents, p.currency, p.payload AS properties
{_FOUND} AND p.source_id = %(source)s AND p.type NOT IN ('identify', 'alias')"""

PROFILES = f"SELECT i.member_id, p.occurred_at, p.message_id, p.payload {_FOUND} AND p.type = 'identify'"

# As ``members.events.querysets.writing.SHARED``, once the visitors are tied.
SHARED = """
SELECT i.member_id, v.member_id AS other_id, CASE WHEN p.type = 'alias' THEN 'alias' ELSE 'anonymous_id' END AS reason
FROM members_parkedevent p JOIN members_identity i ON i.kind = p.kind AND i.value = p.value
JOIN members_identity v ON v.value = p.anonymous_id
  AND (v.kind = 'anonymous_id' OR v.kind = 'external_id' AND p.type = 'alias')
WHERE p.id = ANY(%(parked)s) AND p.anonymous_id <> '' AND v.member_id <> i.member_id"""

_LINK = f"""
INSERT INTO members_identity (member_id, kind, value, created_at)
SELECT DISTINCT ON (p.anonymous_id) i.member_id, 'anonymous_id', p.anonymous_id, %(at)s
{_FOUND} AND p.anonymous_id <> '' AND NOT (p.type = 'alias' AND EXISTS (
  SELECT 1 FROM members_identity k WHERE k.kind = 'external_id' AND k.value = p.anonymous_id))
ORDER BY p.anonymous_id, p.occurred_at, p.message_id
ON CONFLICT (kind, value) DO NOTHING"""


@dataclass(frozen=True)
class Claimed:
    """One parked message of a member known by now."""

    pk: int
    source_id: int
    is_profile: bool
    month: date


def claim(members: Sequence[int] | None, limit: int) -> list[Claimed]:
    """Lock up to ``limit`` parked messages about these members, or about anybody we know."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"members": None if members is None else list(members), "limit": limit})
        return [Claimed(*row) for row in cursor.fetchall()]


def link_visitors(params: dict[str, Any]) -> None:
    """Tie the anonymous ids that parked messages named beside a user id to the member."""
    with connection.cursor() as cursor:
        cursor.execute(_LINK, params)
