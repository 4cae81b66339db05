"""Seats, and the statements that compare them with the terms of their owners."""

from datetime import datetime
from typing import Any

from django.db import connection, models

# Of a plan with seats, and bought, given or added: a trial brings none.
_BRINGS = "p.seats > 0 AND t.kind <> 'trial'"

_HELD = """
FROM entitlements_seat s
JOIN entitlements_seatgroup g ON g.id = s.group_id"""

# Cover a seat should give and did not yet: one loan for each term of its owner that brings seats and is not over. What
# the holder has of their own lies over it or waits, as the queue of terms says.
_LACKING = f"""
SELECT w.* FROM (
  SELECT g.member_id AS owner_id, s.id AS seat_id, s.member_id, t.id AS follows_id,
    coalesce(p.tier_id, n.tier_id) AS tier_id, greatest(t.starts_at, s.given_at) AS starts_at,
    upper(t.period) AS ends_at{_HELD}
  JOIN members_membershipterm t ON t.member_id = g.member_id AND upper(t.period) > %(at)s
  JOIN members_plan n ON n.id = t.plan_id
  JOIN entitlements_seatplan p ON p.plan_id = t.plan_id AND {_BRINGS}
  WHERE s.ended_at IS NULL{{narrowed}}
    AND NOT EXISTS (SELECT FROM entitlements_seatterm l WHERE l.seat_id = s.id AND l.follows_id = t.id)
) w WHERE w.starts_at < w.ends_at"""

# Lent cover that lasts longer than the term it follows.
_OVERLONG = f"""
SELECT g.member_id AS owner_id, s.id AS seat_id, l.term_id{_HELD}
JOIN entitlements_seatterm l ON l.seat_id = s.id
JOIN members_membershipterm m ON m.id = l.term_id AND m.lent_until > %(at)s
JOIN members_membershipterm t ON t.id = l.follows_id
WHERE s.ended_at IS NULL{{narrowed}} AND (isempty(t.period) OR upper(t.period) < m.lent_until)"""

# Seats whose owner brings them no more, by the latest term that has begun. In the grace after it, and with such a term
# ahead, as one that was set aside, they stay. Of more seats than the plan brings the last given go, a day after a merge
# that may have made them: until then they wait for a person.
_JUDGED = f"""
SELECT u.* FROM (
  SELECT g.member_id AS owner_id, s.id AS seat_id, CASE
    WHEN upper(t.period) > %(at)s AND p.id IS NULL THEN CASE WHEN ahead.id IS NULL THEN 'plan_changed' END
    WHEN upper(t.period) > %(at)s THEN CASE WHEN row_number() OVER (
      PARTITION BY g.member_id ORDER BY s.given_at, s.id) > p.seats THEN CASE WHEN EXISTS (
        SELECT FROM members_mergerecord r WHERE r.survivor_id = g.member_id AND r.undone_at IS NULL
          AND r.merged_at > %(at)s - interval '1 day') THEN 'waits' ELSE 'plan_changed' END END
    WHEN ahead.id IS NOT NULL THEN NULL
    WHEN t.id IS NULL OR t.refunded_at IS NOT NULL THEN 'refunded'
    WHEN o.membership_status IN ('none', 'expired') THEN 'owner_lapsed'
  END AS reason{_HELD}
  LEFT JOIN members_memberlifecycle o ON o.member_id = g.member_id
  LEFT JOIN LATERAL (
    SELECT * FROM members_membershipterm t
    WHERE t.member_id = g.member_id AND t.starts_at <= %(at)s AND NOT isempty(t.period)
    ORDER BY t.starts_at DESC LIMIT 1
  ) t ON true
  LEFT JOIN entitlements_seatplan p ON p.plan_id = t.plan_id AND {_BRINGS}
  LEFT JOIN LATERAL (
    SELECT t.id FROM members_membershipterm t JOIN entitlements_seatplan p ON p.plan_id = t.plan_id AND {_BRINGS}
    WHERE t.member_id = g.member_id AND t.starts_at > %(at)s AND NOT isempty(t.period) LIMIT 1
  ) ahead ON true
  WHERE s.ended_at IS NULL{{narrowed}}
) u"""
_UNFOUNDED = _JUDGED + " WHERE u.reason <> 'waits'"
_WAITING = _JUDGED + " WHERE u.reason = 'waits'"

# Holders whose cover would not renew as their owner's does. One with a membership of their own decides alone.
_RENEWING = f"""
SELECT g.member_id AS owner_id, s.id AS seat_id, s.member_id, o.auto_renewal_flag AS renews{_HELD}
JOIN members_memberlifecycle o ON o.member_id = g.member_id
JOIN members_memberlifecycle h ON h.member_id = s.member_id AND h.auto_renewal_flag <> o.auto_renewal_flag
WHERE s.ended_at IS NULL{{narrowed}} AND NOT EXISTS (
  SELECT FROM members_membershipterm t WHERE t.member_id = s.member_id AND upper(t.period) > %(at)s
    AND t.kind <> 'lent')"""

# Seats that could not follow: tried again, and the fault is taken off where there is nothing to follow any more.
_FAULTY = f"""
SELECT g.member_id AS owner_id, s.id AS seat_id{_HELD}
JOIN entitlements_seatfault f ON f.seat_id = s.id
WHERE true{{narrowed}}"""

_ALL = (_LACKING, _OVERLONG, _UNFOUNDED, _RENEWING, _FAULTY)
_OF_OWNER, _OF_SEAT = " AND g.member_id = %(owner)s", " AND s.id = %(seat)s"


class SeatQuerySet(models.QuerySet):
    def open(self) -> "SeatQuerySet":
        """Seats that are held now."""
        return self.filter(ended_at__isnull=True)

    def of_owner(self, member_id: int) -> "SeatQuerySet":
        """Seats this member gave, held or not."""
        return self.filter(group__member_id=member_id)

    def behind(self, seat_id: int | None) -> "SeatQuerySet":
        """Latest first; ``seat_id`` ends the page before."""
        rows = self.order_by("-pk")
        return rows.filter(pk__lt=seat_id) if seat_id else rows


class SeatFaultQuerySet(models.QuerySet):
    def open(self) -> "SeatFaultQuerySet":
        """Of seats that are held now."""
        return self.filter(seat__ended_at__isnull=True)

    def behind(self, seat_id: int | None) -> "SeatFaultQuerySet":
        """Latest seat first; ``seat_id`` ends the page before."""
        rows = self.order_by("-pk")
        return rows.filter(pk__lt=seat_id) if seat_id else rows


def owners_behind(at: datetime, limit: int, *, after: int = 0) -> list[int]:
    """Owners beyond ``after`` whose seats are not what their terms make them, at most ``limit``, in order.

    One statement over all open seats.
    """
    found = " UNION ".join(f"SELECT owner_id FROM ({sql.format(narrowed='')}) d" for sql in _ALL)
    page = f"SELECT owner_id FROM ({found}) q WHERE owner_id > %(after)s ORDER BY 1 LIMIT %(limit)s"
    return [row["owner_id"] for row in _rows(page, at=at, limit=limit, after=after)]


def lacking_cover(at: datetime, *, owner_id: int) -> list[dict[str, Any]]:
    """Of one owner's open seats: the cover to be lent now, as seat, holder, term followed, tier, start and end."""
    return _rows(_LACKING.format(narrowed=_OF_OWNER) + " ORDER BY seat_id, starts_at", at=at, owner=owner_id)


def lacking_cover_of(at: datetime, *, seat_id: int) -> list[dict[str, Any]]:
    """The same of one seat."""
    return _rows(_LACKING.format(narrowed=_OF_SEAT) + " ORDER BY starts_at", at=at, seat=seat_id)


def overlong_cover(at: datetime, *, owner_id: int) -> list[dict[str, Any]]:
    """Of one owner's open seats: the lent terms that outlast what they follow."""
    return _rows(_OVERLONG.format(narrowed=_OF_OWNER) + " ORDER BY term_id", at=at, owner=owner_id)


def unfounded_seats(at: datetime, *, owner_id: int) -> list[dict[str, Any]]:
    """Of one owner's open seats: those she brings no more, with the reason."""
    return _rows(_UNFOUNDED.format(narrowed=_OF_OWNER) + " ORDER BY seat_id", at=at, owner=owner_id)


def waiting_seats(at: datetime) -> list[dict[str, Any]]:
    """Seats beyond what their owners' plans bring since a merge of the last day: they end when the day is over."""
    return _rows(_WAITING.format(narrowed="") + " ORDER BY seat_id", at=at)


def renewing_otherwise(at: datetime, *, owner_id: int) -> list[dict[str, Any]]:
    """Of one owner's open seats: the holders whose auto-renewal is not hers, and whether hers is on."""
    return _rows(_RENEWING.format(narrowed=_OF_OWNER) + " ORDER BY seat_id", at=at, owner=owner_id)


def _rows(sql: str, **params: Any) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
