"""A member's earned and given tiers in her timeline: each change, with what caused it."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.naming import name_of
from entitlements.tiers.models import TierChange
from members.people.console.timeline import SOURCES, Entry, Source
from members.timeline_sources import older


def register() -> None:
    """Called once, when the app is ready."""
    SOURCES.register(Source("tier", gettext_lazy("Tiers"), fetch))


def fetch(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    rows = TierChange.objects.filter(member_id=member_id).select_related("from_tier", "to_tier", "policy", "actor")
    return [_changed(row) for row in older(rows, "at", before_at, before_pk, limit)]


def _changed(row: TierChange) -> Entry:
    tiers = {"source": name_of(row.from_tier) or _("none"), "target": name_of(row.to_tier) or _("none")}
    by = row.actor.get_username() if row.actor else _("system")
    words = {"through": row.get_via_display(), "policy": row.policy.version, "by": by}
    return Entry(
        at=row.at,
        pk=row.pk,
        icon="stairs-up",
        kind="state",
        title=_("Tier: %(source)s → %(target)s") % tiers,
        note=_("%(through)s · qualification policy v%(policy)s · %(by)s") % words,
        chip=_("up") if row.is_up else _("down"),
        chip_kind="" if row.is_up else "warn",
        href=reverse("tiers:policy", args=[row.policy_id]),
        link=_("Policy"),
    )
