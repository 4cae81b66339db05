"""What was kept of a member when her benefits ended, and what she got back, in her timeline."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.engine.naming import name_of
from entitlements.memory.models import EntitlementSnapshot
from members.people.console.timeline import Entry
from members.timeline_sources import older


def memories(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    """Each row stands for two entries: even numbers for the loss, odd ones for the return."""
    rows = EntitlementSnapshot.objects.filter(member_id=member_id).select_related("tier", "rule")
    lost = older(rows, "taken_at", before_at, -(-before_pk // 2), limit)
    # A term may start before it is recorded; nobody knew of the return until then.
    known = rows.exclude(outcome="pending").annotate(known_at=Greatest("returned_at", "return_term__booked_at"))
    back = older(known, "known_at", before_at, before_pk // 2, limit)
    entries = [_lost(row) for row in lost] + [_back(row, row.known_at) for row in back]
    return sorted(entries, key=lambda entry: (entry.at, entry.pk), reverse=True)[:limit]


def _lost(row: EntitlementSnapshot) -> Entry:
    left = sum(1 for kept in row.balances.values() if kept.get("remaining"))
    note = ngettext("%(n)s benefit with something left", "%(n)s benefits with something left", left) % {"n": left}
    return Entry(
        at=row.taken_at,
        pk=2 * row.pk,
        icon="clock-pause",
        kind="bad",
        title=_("Benefits ended: %(tier)s kept in memory") % {"tier": name_of(row.tier)},
        note=note,
    )


def _back(row: EntitlementSnapshot, at: datetime) -> Entry:
    number = len(row.restored.get("grants", []))
    words = ngettext("%(n)s benefit restored", "%(n)s benefits restored", number) % {"n": number}
    is_restored = row.outcome == EntitlementSnapshot.Outcome.RESTORED
    version = row.rule.version if row.rule else ""
    return Entry(
        at=at, pk=2 * row.pk + 1, icon="arrow-back-up", kind="evt",
        title=_("Returned: %(what)s") % {"what": words if is_restored else row.get_outcome_display()},
        note=_("restore rule v%(version)s") % {"version": version},
        href=reverse("memory:rule"), link=_("Rule"),
    )  # fmt: skip
