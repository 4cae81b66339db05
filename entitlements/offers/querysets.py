"""Questions about offers and coupons, and the statements that issue and expire them by the set."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, models
from django.db.models import Count, Q, Sum

from config.engine.moves import MovingQuerySet, source_sql
from entitlements.offers.lifecycle import EXPIRE, GIVE_BACK, CouponStatus, OfferStatus
from members.people.querysets.people import Cursor

# A coupon ends N days after its issue with her local day, and never later than the offer. The code holds 80 bits of
# PostgreSQL's strong randomness. Who had one of this offer already, in whatever status, is passed over by ``{anew}``.
_ISSUE = """
WITH wanted AS ({wanted}), fresh AS (
  SELECT m.id AS member_id, coalesce(nullif(l.time_zone, ''), %(zone)s) AS zone,
    {ordinal} AS ordinal
  FROM wanted w JOIN members_member m ON m.id = w.member_id AND m.merged_into_id IS NULL
  LEFT JOIN members_memberlifecycle l ON l.member_id = m.id
  WHERE {anew}
), dated AS (
  SELECT member_id, ordinal, least(
    %(until)s::timestamptz,
    ((%(at)s::timestamptz AT TIME ZONE zone)::date + 1 + %(days)s::int)::timestamp AT TIME ZONE zone
  ) AS expires_at FROM fresh
), coded AS (
  SELECT *, upper(replace(gen_random_uuid()::text, '-', '')) AS h FROM dated WHERE expires_at > %(at)s
)
INSERT INTO entitlements_coupon (offer_id, member_id, ordinal, code, status, source, run_id, terms, version,
  is_returnable, issued_at, issued_by_id, valid_from, expires_at, plan_code, discount_cents)
SELECT %(offer)s, member_id, ordinal,
  %(prefix)s || concat_ws('-', substr(h, 1, 5), substr(h, 6, 5), substr(h, 18, 5), substr(h, 23, 5)),
  'issued', %(source)s, %(run)s, %(terms)s::jsonb, %(version)s, %(returnable)s, %(at)s, %(actor)s,
  greatest(%(at)s, %(valid_from)s::timestamptz), expires_at, '', 0
FROM coded ON CONFLICT DO NOTHING RETURNING id"""
_NEXT = """1 + coalesce((SELECT max(c.ordinal) FROM entitlements_coupon c
      WHERE c.offer_id = %(offer)s AND c.member_id = m.id AND c.status <> 'revoked'), 0)"""
_NEVER_HAD = "NOT EXISTS (SELECT FROM entitlements_coupon c WHERE c.offer_id = %(offer)s AND c.member_id = m.id)"
_ONE = "SELECT %(member)s::bigint AS member_id"
_OF_SEGMENT = """SELECT s.member_id FROM members_segmentmembership s
  WHERE s.segment_id = %(segment)s AND s.left_at IS NULL AND s.member_id > %(after)s AND s.member_id <= %(upto)s"""

# Whom the next batch looks at: so many of those who never had one, and everybody before the last of them.
_BATCH_END = f"""
SELECT count(*), max(member_id) FROM (
  SELECT m.id AS member_id FROM members_segmentmembership s JOIN members_member m ON m.id = s.member_id
  WHERE s.segment_id = %(segment)s AND s.left_at IS NULL AND s.member_id > %(after)s AND m.merged_into_id IS NULL
    AND {_NEVER_HAD}
  ORDER BY m.id LIMIT %(limit)s) batch"""

_EXPECTED = f"""
SELECT count(*), count(*) FILTER (WHERE {_NEVER_HAD})
FROM members_segmentmembership s JOIN members_member m ON m.id = s.member_id AND m.merged_into_id IS NULL
WHERE s.segment_id = %(segment)s AND s.left_at IS NULL"""

_EXPIRE = f"""
WITH due AS (
  SELECT id FROM entitlements_coupon WHERE {source_sql(EXPIRE, "status")} AND expires_at <= %(at)s
  ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), done AS (
  UPDATE entitlements_coupon c SET status = '{EXPIRE.target.value}', finished_at = c.expires_at
  FROM due WHERE c.id = due.id RETURNING c.offer_id
), counted AS (SELECT offer_id, count(*) AS n FROM done GROUP BY offer_id), budgets AS (
  UPDATE entitlements_offerbudget b SET expired = b.expired + n FROM counted WHERE b.offer_id = counted.offer_id
)
SELECT coalesce(sum(n), 0) FROM counted"""

_GIVE_BACK = f"""
WITH due AS (
  SELECT c.id, c.offer_id, c.member_id, c.discount_cents, c.order_ref
  FROM members_membershipterm t JOIN entitlements_coupon c ON c.term_id = t.id
  WHERE t.refunded_at IS NOT NULL AND {source_sql(GIVE_BACK, "c.status")} AND c.is_returnable AND c.expires_at > %(at)s
    AND (%(member)s::bigint IS NULL OR c.member_id = %(member)s)
  ORDER BY c.id LIMIT %(limit)s FOR UPDATE OF c SKIP LOCKED
), done AS (
  UPDATE entitlements_coupon c SET status = '{GIVE_BACK.target.value}', finished_at = NULL, term_id = NULL,
    order_ref = NULL, plan_code = '', discount_cents = 0
  FROM due WHERE c.id = due.id
), budgets AS (
  UPDATE entitlements_offerbudget b SET redeemed = b.redeemed - n, spent_cents = b.spent_cents - cents
  FROM (SELECT offer_id, count(*) AS n, sum(discount_cents) AS cents FROM due GROUP BY offer_id) d
  WHERE b.offer_id = d.offer_id
)
SELECT id, offer_id, member_id FROM due"""

_COUNTERS = {
    "issued": Count("pk"),
    "redeemed": Count("pk", filter=Q(status=CouponStatus.REDEEMED)),
    "expired": Count("pk", filter=Q(status=CouponStatus.EXPIRED)),
    "revoked": Count("pk", filter=Q(status=CouponStatus.REVOKED)),
    "spent_cents": Sum("discount_cents", filter=Q(status=CouponStatus.REDEEMED), default=0),
}


@dataclass(frozen=True)
class Returned:
    """A coupon that came back to its member."""

    coupon_id: int
    offer_id: int
    member_id: int


class OfferQuerySet(MovingQuerySet):
    def issuable(self, at: datetime) -> "OfferQuerySet":
        """Offers of which coupons may be issued: active, and not past their end."""
        return self.filter(status=OfferStatus.ACTIVE).filter(Q(valid_until__isnull=True) | Q(valid_until__gt=at))

    def with_status(self, status: str) -> "OfferQuerySet":
        return self.filter(status=status)

    def newest_behind(self, pk: int | None) -> "OfferQuerySet":
        """The newest first, from behind the one with this id on."""
        rows = self.order_by("-pk")
        return rows.filter(pk__lt=pk) if pk else rows

    def counts_by_status(self) -> dict[str, int]:
        return dict(self.order_by().values_list("status").annotate(Count("pk")))

    def of_kinds(self, kinds: Sequence[str]) -> "OfferQuerySet":
        return self.filter(kind__in=kinds)


class IssueRunQuerySet(models.QuerySet):
    def running(self) -> "IssueRunQuerySet":
        return self.filter(status="running")


class CouponQuerySet(MovingQuerySet):
    def unused(self, at: datetime) -> "CouponQuerySet":
        """Coupons that can still be redeemed at ``at`` or later."""
        return self.filter(status=CouponStatus.ISSUED, expires_at__gt=at)

    def listed(self, offer: models.Model) -> "CouponQuerySet":
        """An offer's coupons with what a list row shows of the member."""
        return self.filter(offer=offer).select_related("member__lifecycle")

    def shown_as(self, status: str) -> "CouponQuerySet":
        return self.filter(status=status)

    def behind(self, cursor: Cursor | None) -> "CouponQuerySet":
        """Coupons in order of issue, the latest first, from behind the cursor on."""
        rows = self.order_by("-issued_at", "-pk")
        if cursor is None:
            return rows
        return rows.filter(Q(issued_at__lt=cursor.value) | Q(issued_at=cursor.value, pk__lt=cursor.pk))

    def counters(self) -> dict[str, int]:
        """What these coupons come to in a budget's own columns."""
        return self.aggregate(**_COUNTERS)

    def issue_one(self, params: dict[str, Any]) -> int | None:
        """Issue to one member; the coupon's id, or None when she is gone, or one like it came in between."""
        ids = _issue(_ISSUE.format(wanted=_ONE, ordinal=_NEXT, anew="true"), params)
        return ids[0] if ids else None

    def issue_batch(self, params: dict[str, Any]) -> int:
        """Issue to the members of a segment behind ``after`` up to ``upto`` who never had one; returns how many."""
        return len(_issue(_ISSUE.format(wanted=_OF_SEGMENT, ordinal="1", anew=_NEVER_HAD), params))

    def expire_due(self, at: datetime, limit: int) -> int:
        """Expire what has run out, at most ``limit`` at a time, and count it; returns how many."""
        with connection.cursor() as cursor:
            cursor.execute(_EXPIRE, {"at": at, "limit": limit})
            return int(cursor.fetchone()[0])

    def give_back_refunded(self, at: datetime, limit: int, *, member_id: int | None = None) -> list[Returned]:
        """Give back what bought a term that was refunded since, where the offer says so and there is time left.

        Of one member, else of everybody.
        """
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_BACK, {"at": at, "limit": limit, "member": member_id})
            return [Returned(*row) for row in cursor.fetchall()]


def next_batch(*, segment_id: int, offer_id: int, after: int, limit: int) -> tuple[int, int | None]:
    """How many of a segment behind ``after`` the next batch issues to, at most ``limit``, and the last of them."""
    with connection.cursor() as cursor:
        params = {"segment": segment_id, "offer": offer_id, "after": after, "limit": limit}
        cursor.execute(_BATCH_END, params)
        found, last = cursor.fetchone()
        return found, last


def expected(*, segment_id: int, offer_id: int) -> tuple[int, int]:
    """How many are in a segment, and how many of them never had a coupon of the offer."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPECTED, {"segment": segment_id, "offer": offer_id})
        members, fresh = cursor.fetchone()
        return members, fresh


def _issue(statement: str, params: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params | {"zone": settings.PROJECT_TIME_ZONE})
        return [pk for (pk,) in cursor.fetchall()]
