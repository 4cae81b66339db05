"""A member's coupons in her timeline: when she got each, and what became of it."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from entitlements.models import Coupon
from entitlements.offers.lifecycle import CouponStatus
from entitlements.offers.wording import amount
from members import timeline
from members.naming import name_of
from members.timeline import Entry
from members.timeline_sources import older


def register() -> None:
    """Called once, when the app is ready."""
    tells = ["coupon.issued", "coupon.redeemed", "coupon.revoked"]
    timeline.register("coupon", gettext_lazy("Coupons"), fetch, tells=tells)


def fetch(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    """Two entries a coupon: 2n for its issue, 2n + 1 for its end, so that each has an id of its own."""
    rows = Coupon.objects.filter(member_id=member_id).select_related("offer", "issued_by")
    issued = older(rows, "issued_at", before_at, (before_pk + 1) // 2, limit)
    ended = older(rows.filter(finished_at__isnull=False), "finished_at", before_at, before_pk // 2, limit)
    entries = [_issued(row) for row in issued] + [_ended(row) for row in ended]
    return sorted(entries, key=lambda entry: (entry.at, entry.pk), reverse=True)[:limit]


def _issued(row: Coupon) -> Entry:
    by = row.issued_by.get_username() if row.issued_by else ""
    parts = [row.get_source_display(), _("until %(day)s") % {"day": f"{localtime(row.expires_at):%Y-%m-%d}"}, by]
    return Entry(
        at=row.issued_at,
        pk=2 * row.pk,
        icon="ticket",
        title=_("Coupon issued: %(offer)s") % {"offer": name_of(row.offer)},
        note=" · ".join(part for part in parts if part),
        href=reverse("offers:detail", args=[row.offer_id]),
        link=_("Open"),
    )


def _ended(row: Coupon) -> Entry:
    is_redeemed = row.status == CouponStatus.REDEEMED
    assert row.finished_at is not None
    return Entry(
        at=row.finished_at,
        pk=2 * row.pk + 1,
        icon="ticket",
        title=_("Coupon: %(offer)s") % {"offer": name_of(row.offer)},
        chip=row.get_status_display(),
        chip_kind="bad" if row.status == CouponStatus.REVOKED else "",
        note=_("%(amount)s off") % {"amount": amount(row.discount_cents)} if is_redeemed else "",
        href=reverse("offers:detail", args=[row.offer_id]),
        link=_("Open"),
    )
