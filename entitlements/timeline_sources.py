"""What a member's timeline says of benefits: what somebody gave her, and uses taken back. Not each use."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.naming import name_of
from entitlements.grants.models import Grant
from entitlements.usage.models import UsageRecord
from members.people.console.timeline import SOURCES, Entry, Source
from members.timeline_sources import older


def register_all() -> None:
    """Called once, when the app is ready."""
    SOURCES.register(Source("benefit", gettext_lazy("Benefits given"), given, tells=("grant.given", "pack.given")))
    SOURCES.register(Source("reversal", gettext_lazy("Uses taken back"), taken_back, tells=("usage.reversed",)))


def given(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    rows = Grant.objects.given().filter(member_id=member_id).select_related("benefit", "created_by")
    return [_given(row) for row in older(rows, "created_at", before_at, before_pk, limit)]


def taken_back(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    rows = UsageRecord.objects.filter(member_id=member_id, outcome=UsageRecord.Outcome.REVERSED)
    found = older(rows.select_related("benefit", "actor"), "at", before_at, before_pk, limit)
    return [_taken_back(row) for row in found]


def _given(grant: Grant) -> Entry:
    amount = "" if grant.amount is None else f" × {grant.amount}"
    by = grant.created_by.get_username() if grant.created_by else _("system")
    return Entry(
        at=grant.created_at,
        pk=grant.pk,
        icon="gift",
        title=f"{name_of(grant.benefit)}{amount}",
        note=" · ".join(part for part in (grant.get_source_display(), by, grant.reason) if part),
        chip=_("Voided") if grant.voided_at else "",
        chip_kind="warn",
        href=reverse("benefits:of-member", args=[grant.member_id]),
        link=_("Benefits"),
    )


def _taken_back(record: UsageRecord) -> Entry:
    by = record.actor.get_username() if record.actor else _("system")
    return Entry(
        at=record.at,
        pk=record.pk,
        icon="arrow-back-up",
        title=_("Use taken back: %(benefit)s × %(amount)s")
        % {"benefit": name_of(record.benefit), "amount": record.amount},
        note=by,
        href=reverse("benefits:of-member", args=[record.member_id]),
        link=_("Benefits"),
    )
