from datetime import datetime

from django.db import connection, models

SUPPRESS_ADDRESS = """
INSERT INTO campaigns_suppression (channel, address, cause, since, evidence)
VALUES (%s, %s, %s, %s, '{}')
ON CONFLICT (channel, address) WHERE lifted_at IS NULL DO NOTHING
"""


class SuppressionQuerySet(models.QuerySet):
    def standing(self) -> "SuppressionQuerySet":
        return self.filter(lifted_at__isnull=True)

    def suppress(self, *, channel: str, address: str, cause: str, at: datetime) -> bool:
        """Suppress an address on a channel; returns whether it was not already. Safe to run concurrently."""
        with connection.cursor() as cursor:
            cursor.execute(SUPPRESS_ADDRESS, [channel, address, cause, at])
            return cursor.rowcount == 1
