from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import models
from django.db.models import Q

from config.engine.prepared import begin_with, execute_alone

# The key somebody signs in with.
OPENED = """
SELECT id, source_id, scopes, last_used_at FROM members_writekey
WHERE key_hash = %(key_hash)s::varchar AND (revoked_at IS NULL OR revoked_at > %(at)s::timestamptz)"""


@dataclass(frozen=True)
class OpenedKey:
    """A write key that somebody holds."""

    pk: int
    source_id: int
    scopes: list[str]
    last_used_at: datetime | None


class WriteKeyQuerySet(models.QuerySet):
    def valid(self, at: datetime) -> "WriteKeyQuerySet":
        """Keys that open the door at ``at``: not revoked, or only from a later instant on."""
        return self.filter(Q(revoked_at__isnull=True) | Q(revoked_at__gt=at))


def key_opened_by(secret: str, at: datetime) -> OpenedKey | None:
    """The valid key whose secret this is; in one prepared statement, as every request of a program begins with it."""
    rows = begin_with(lambda: execute_alone(OPENED, {"key_hash": hash_of(secret), "at": at}))
    return OpenedKey(*rows[0]) if rows else None


def hash_of(secret: str) -> str:
    return sha256(secret.encode(errors="replace")).hexdigest()
