from datetime import datetime
from hashlib import sha256

from django.db import models
from django.db.models import Q


class WriteKeyQuerySet(models.QuerySet):
    def valid(self, at: datetime) -> "WriteKeyQuerySet":
        """Keys that open the door at ``at``: not revoked, or only from a later instant on."""
        return self.filter(Q(revoked_at__isnull=True) | Q(revoked_at__gt=at))

    def opened_by(self, secret: str) -> "WriteKeyQuerySet":
        """The key whose secret this is."""
        return self.filter(key_hash=hash_of(secret))


def hash_of(secret: str) -> str:
    return sha256(secret.encode(errors="replace")).hexdigest()
