"""The partner codes a member got, in her timeline; never the codes themselves."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.naming import name_of
from entitlements.codes.models import PartnerCode
from members.people.console.timeline import SOURCES, Entry, Source
from members.timeline_sources import older


def register() -> None:
    """Called once, when the app is ready."""
    SOURCES.register(Source("partner_code", gettext_lazy("Partner codes"), fetch, tells=["code_pool.claimed"]))


def fetch(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    rows = PartnerCode.objects.filter(member_id=member_id).select_related("pool")
    return [_entry(row) for row in older(rows, "claimed_at", before_at, before_pk, limit)]


def _entry(row: PartnerCode) -> Entry:
    assert row.claimed_at is not None
    return Entry(
        at=row.claimed_at,
        pk=row.pk,
        icon="gift",
        title=_("Partner code: %(name)s") % {"name": name_of(row.pool)},
        note=row.pool.partner,
        href=reverse("codes:detail", args=[row.pool_id]),
        link=_("Open"),
    )
