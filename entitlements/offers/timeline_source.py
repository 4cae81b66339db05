"""A member's coupons in her timeline: when she got each, and what became of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.audit.models import AuditEntry
from config.engine.naming import name_of
from entitlements.offers.lifecycle import CouponStatus
from entitlements.offers.models import Coupon
from entitlements.offers.words import amount
from members.people.console.timeline import SOURCES, Entry, Source
from members.people.rules import last_day
from members.timeline_sources import older

ISSUED, REVOKED = "coupon.issued", "coupon.revoked"

Reasons = dict[tuple[int, str], str]


def register() -> None:
    """Called once, when the app is ready."""
    SOURCES.register(Source("coupon", gettext_lazy("Coupons"), fetch, tells=[ISSUED, "coupon.redeemed", REVOKED]))


def fetch(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    """Two entries a coupon: 2n for its issue, 2n + 1 for its end, so that each has an id of its own."""
    rows = Coupon.objects.filter(member_id=member_id).select_related("offer", "issued_by", "member__lifecycle")
    issued = older(rows, "issued_at", before_at, (before_pk + 1) // 2, limit)
    ended = older(rows.filter(finished_at__isnull=False), "finished_at", before_at, before_pk // 2, limit)
    reasons = _reasons({row.pk for row in [*issued, *ended]})
    entries = [_issued(row, reasons) for row in issued] + [_ended(row, reasons) for row in ended]
    return sorted(entries, key=lambda entry: (entry.at, entry.pk), reverse=True)[:limit]


def _reasons(coupons: Iterable[int]) -> Reasons:
    """What was typed when coupons were issued or revoked by hand, by coupon and action; only the audit log keeps it."""
    rows = AuditEntry.objects.filter(target_type="coupon", target_id__in=[str(pk) for pk in coupons])
    found = rows.filter(action__in=(ISSUED, REVOKED)).values_list("target_id", "action", "reason")
    return {(int(pk), action): reason for pk, action, reason in found}


def _issued(row: Coupon, reasons: Reasons) -> Entry:
    by = row.issued_by.get_username() if row.issued_by else ""
    zone = row.member.lifecycle.time_zone or settings.PROJECT_TIME_ZONE
    until = _("until %(day)s") % {"day": last_day(row.expires_at, zone)}
    parts = [row.get_source_display(), until, by, reasons.get((row.pk, ISSUED), "")]
    return Entry(
        at=row.issued_at,
        pk=2 * row.pk,
        icon="ticket",
        title=_("Coupon issued: %(offer)s") % {"offer": name_of(row.offer)},
        note=" · ".join(part for part in parts if part),
        href=reverse("offers:detail", args=[row.offer_id]),
        link=_("Open"),
    )


def _ended(row: Coupon, reasons: Reasons) -> Entry:
    is_redeemed = row.status == CouponStatus.REDEEMED
    off = {"amount": amount(row.discount_cents)}
    assert row.finished_at is not None
    return Entry(
        at=row.finished_at,
        pk=2 * row.pk + 1,
        icon="ticket",
        title=_("Coupon: %(offer)s") % {"offer": name_of(row.offer)},
        chip=row.get_status_display(),
        chip_kind="bad" if row.status == CouponStatus.REVOKED else "",
        note=_("%(amount)s off") % off if is_redeemed else reasons.get((row.pk, REVOKED), ""),
        href=reverse("offers:detail", args=[row.offer_id]),
        link=_("Open"),
    )
