"""Questions about partner codes, and the statements that take them in and give them out."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, models
from django.db.models import Count, Exists, F, OuterRef, Q

# SKIP LOCKED: whoever claims at the same time takes the next code and does not wait for this one.
_CLAIM = """
UPDATE entitlements_partnercode SET member_id = %(member)s, claimed_at = %(at)s WHERE id = (
  SELECT id FROM entitlements_partnercode WHERE pool_id = %(pool)s AND member_id IS NULL
  ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
) RETURNING id"""

_TAKE_IN = """
INSERT INTO entitlements_partnercode (pool_id, code, uploaded_at)
SELECT %(pool)s, t.code, %(at)s FROM unnest(%(codes)s::text[]) AS t (code) ON CONFLICT (pool_id, code) DO NOTHING"""


class CodePoolQuerySet(models.QuerySet):
    def with_stock(self) -> "CodePoolQuerySet":
        """With ``total``, ``claimed`` and ``free``."""
        return self.annotate(
            total=Count("codes"), claimed=Count("codes__member_id"), free=Count("codes", filter=Q(codes__member=None))
        )

    def offered(self, has_code_of: Sequence[int]) -> "CodePoolQuerySet":
        """Pools to show to a member: those that still hand out codes, and those of hers."""
        free = Exists(self.model._default_manager.filter(pk=OuterRef("pk"), codes__isnull=False, codes__member=None))
        return self.filter((Q(is_open=True) & Q(free)) | Q(pk__in=has_code_of)).order_by("-pk")

    def low(self) -> "CodePoolQuerySet":
        """Open pools with no more codes left than their threshold, with their stock."""
        return self.with_stock().filter(is_open=True, free__lte=F("low_stock"))


class PartnerCodeQuerySet(models.QuerySet):
    def claim_next(self, *, pool_id: int, member_id: int, at: datetime) -> int | None:
        """Give the next free code of a pool to a member; its id, or None when there is none left."""
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, {"pool": pool_id, "member": member_id, "at": at})
            row = cursor.fetchone()
            return row[0] if row else None

    def take_in(self, *, pool_id: int, codes: Sequence[str], at: datetime) -> int:
        """Add codes to a pool, leaving out those it has; returns how many are new."""
        with connection.cursor() as cursor:
            cursor.execute(_TAKE_IN, {"pool": pool_id, "codes": list(codes), "at": at})
            return cursor.rowcount

    def claimed(self) -> "PartnerCodeQuerySet":
        return self.filter(member__isnull=False)

    def free(self) -> "PartnerCodeQuerySet":
        return self.filter(member__isnull=True)

    def behind(self, pk: int | None) -> "PartnerCodeQuerySet":
        """Codes with the last taken in first, from behind the one with this id on."""
        rows = self.order_by("-pk")
        return rows.filter(pk__lt=pk) if pk else rows
