"""Seats in the timelines of both who gave and who holds them."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.staff.models import User
from entitlements.seats.models import Seat
from members.people.console.timeline import SOURCES, Entry, Source
from members.people.models import Member
from members.timeline_sources import older


def register() -> None:
    """Called once, when the app is ready."""
    SOURCES.register(Source("seat", gettext_lazy("Seats"), fetch, tells=["seat.given", "seat.ended"]))


def fetch(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    """Two entries a seat: 2n for its beginning, 2n + 1 for its end, so that each has an id of its own."""
    rows = Seat.objects.filter(Q(member_id=member_id) | Q(group__member_id=member_id))
    rows = rows.select_related("member", "group__member", "given_by", "ended_by")
    given = older(rows, "given_at", before_at, (before_pk + 1) // 2, limit)
    ended = older(rows.filter(ended_at__isnull=False), "ended_at", before_at, before_pk // 2, limit)
    entries = [_given(row, member_id) for row in given] + [_ended(row, member_id) for row in ended]
    return sorted(entries, key=lambda entry: (entry.at, entry.pk), reverse=True)[:limit]


def _given(row: Seat, member_id: int) -> Entry:
    title = _("Got a seat") if row.member_id == member_id else _("Gave a seat")
    return _entry(row, member_id, row.given_at, 2 * row.pk, title, row.given_by)


def _ended(row: Seat, member_id: int) -> Entry:
    assert row.ended_at is not None
    title = _("Seat ended: %(why)s") % {"why": row.get_end_reason_display()}
    return _entry(row, member_id, row.ended_at, 2 * row.pk + 1, title, row.ended_by)


def _entry(row: Seat, member_id: int, at: datetime, pk: int, title: str, by: User | None) -> Entry:
    other: Member = row.group.member if row.member_id == member_id else row.member
    return Entry(
        at=at,
        pk=pk,
        icon="users",
        title=title,
        note=by.get_username() if by else "",
        href=reverse("members:detail", args=[other.pk]),
        link=_("The owner") if row.member_id == member_id else _("The holder"),
    )
