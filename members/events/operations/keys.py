"""Write keys: made, exchanged and ended. The key itself leaves here once and is kept nowhere."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from config.audit.record import audit
from config.staff.models import User
from members.events.models import WriteKey
from members.events.querysets.keys import OpenedKey, hash_of

PREFIX_LENGTH = 9
# So long the old key still works after an exchange: time to bring the new one to every program that sends.
ROTATION_HOURS = 24
NOTED_EVERY = timedelta(minutes=1)


@transaction.atomic
def make_key(*, source_id: int, label: str, scopes: Iterable[str], actor: User, at: datetime) -> tuple[WriteKey, str]:
    """Make a key for a source; returns its row and the key, which cannot be read again."""
    secret = "wk_" + secrets.token_urlsafe(32)
    key = WriteKey.objects.create(
        source_id=source_id, label=label, prefix=secret[:PREFIX_LENGTH], key_hash=hash_of(secret), scopes=list(scopes),
        created_at=at, created_by=actor,
    )  # fmt: skip
    _audit("write_key.made", key, actor, at)
    return key, secret


@transaction.atomic
def rotate_key(*, key_id: int, actor: User, at: datetime) -> tuple[WriteKey, str]:
    """Make a new key like an old one, which ends ``ROTATION_HOURS`` later; returns the new row and key.

    Raises WriteKey.DoesNotExist when the old one has ended or is about to.
    """
    old = WriteKey.objects.select_for_update().get(pk=key_id, revoked_at__isnull=True)
    old.revoked_at = at + timedelta(hours=ROTATION_HOURS)
    old.save(update_fields=["revoked_at"])
    _audit("write_key.rotated", old, actor, at)
    return make_key(source_id=old.source_id, label=old.label, scopes=old.scopes, actor=actor, at=at)


@transaction.atomic
def revoke_key(*, key_id: int, actor: User, at: datetime) -> WriteKey:
    """End a key now, also one that an exchange left working. Raises WriteKey.DoesNotExist when it has ended."""
    key = WriteKey.objects.select_for_update().valid(at).get(pk=key_id)
    key.revoked_at = at
    key.save(update_fields=["revoked_at"])
    _audit("write_key.revoked", key, actor, at)
    return key


def note_use(*, key: OpenedKey, at: datetime) -> None:
    """Keep that the key was used, at most once in ``NOTED_EVERY``: all requests share that row."""
    if key.last_used_at is None or key.last_used_at < at - NOTED_EVERY:
        WriteKey.objects.filter(pk=key.pk).update(last_used_at=at)


def _audit(action: str, key: WriteKey, actor: User, at: datetime) -> None:
    audit(key, action, actor=actor, at=at, source=key.source_id, label=key.label, prefix=key.prefix, scopes=key.scopes)
