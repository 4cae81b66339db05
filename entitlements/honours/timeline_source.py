"""The honours a member was given and who looked after her, in her timeline."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.naming import name_of
from entitlements.honours.conditions import members_of
from entitlements.honours.models import AdviserAssignment, HonourAward
from members.people.console.timeline import SOURCES, Entry, Source
from members.timeline_sources import older


def register() -> None:
    """Called once, when the app is ready."""
    SOURCES.register(Source("honour", gettext_lazy("Honours"), awards))
    SOURCES.register(
        Source("adviser", gettext_lazy("Advisers"), advisers, tells=("adviser.assigned", "adviser.unassigned"))
    )


def awards(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    rows = HonourAward.objects.given().filter(member_id=member_id).annotate(at=F("run__decided_at"))
    found = older(rows.select_related("run__honour"), "at", before_at, before_pk, limit)
    return [_awarded(row) for row in found]


def advisers(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    """Each row stands for two entries: even numbers for the beginning, odd ones for the end."""
    rows = AdviserAssignment.objects.filter(member_id=member_id).select_related("adviser", "assigned_by")
    begun = older(rows, "assigned_at", before_at, -(-before_pk // 2), limit)
    over = older(rows.filter(ended_at__isnull=False), "ended_at", before_at, before_pk // 2, limit)
    entries = [_entry(row, row.assigned_at, 2 * row.pk) for row in begun]
    entries += [_entry(row, row.ended_at, 2 * row.pk + 1) for row in over]
    return sorted(entries, key=lambda entry: (entry.at, entry.pk), reverse=True)[:limit]


def _awarded(row: HonourAward) -> Entry:
    assert row.run.decided_at is not None
    return Entry(
        at=row.run.decided_at,
        pk=row.pk,
        icon="star",
        kind="evt",
        title=_("Honour: %(title)s %(year)s") % {"title": name_of(row.run.honour), "year": row.run.year},
        note=_("rank %(rank)s") % {"rank": row.rank},
        chip="" if row.run.is_given else _("Taken back"),
        chip_kind="warn",
        href=row.run.get_absolute_url(),
        link=_("List"),
    )


def _entry(row: AdviserAssignment, at: datetime, pk: int) -> Entry:
    words = {"name": row.adviser.shown_name}
    by = row.assigned_by.get_username() if row.assigned_by else _("system")
    return Entry(
        at=at,
        pk=pk,
        icon="user-check",
        title=(_("Adviser no more: %(name)s") if pk % 2 else _("Adviser: %(name)s")) % words,
        note="" if pk % 2 else by,
        href=members_of(row.adviser),
        link=_("Members"),
    )
