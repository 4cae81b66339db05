"""What the pages of offers show."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.console.paging import Pages
from config.engine.ids import read_id
from config.engine.naming import in_chinese, name_of
from config.engine.refusal import Refused
from entitlements.offers import points, rules
from entitlements.offers.lifecycle import COUPON_DOTS, CouponStatus, OfferStatus
from entitlements.offers.models import Coupon, IssueRun, Offer
from entitlements.offers.operations import redeeming
from entitlements.offers.words import PURPOSES, REFUSALS, STOPS, promise_lines, quote_text, refusal_with_amounts
from members.people.querysets.people import Cursor
from members.plans.models import Plan, Tier

RECENT = 6

Text = str | Promise


@dataclass(frozen=True)
class KindChoice:
    """A kind of offer to choose; ``closed`` says why it cannot be chosen now."""

    code: str
    label: Text
    purpose: Text
    closed: Text = ""


def kinds() -> list[KindChoice]:
    """Every kind, in the order of a member's life."""
    without_points = REFUSALS["points_closed"] if points.opened() is None else ""
    return [
        KindChoice(kind.value, kind.label, PURPOSES[kind.value], without_points if kind == rules.POINTS else "")
        for kind in Offer.Kind
    ]


class OfferList(Pages):
    """The offers of a status, the newest first, a page at a time."""

    def __init__(self, params: QueryDict) -> None:
        self.status = params.get("status", "") if params.get("status") in OfferStatus.values else ""
        self.after = read_id(params.get("after", ""))

    def asked(self) -> dict[str, Any]:
        return {"status": self.status}

    def behind(self) -> QuerySet[Offer]:
        rows = Offer.objects.select_related("budget").newest_behind(self.after)
        return rows.with_status(self.status) if self.status else rows

    @property
    def offers(self) -> list["OfferRow"]:
        return [OfferRow(offer) for offer in self.rows]

    @cached_property
    def tabs(self) -> list[dict[str, Any]]:
        counts = Offer.objects.counts_by_status()
        every = {"label": _("All"), "count": sum(counts.values()), "href": "?", "current": not self.status}
        return [every] + [
            {
                "label": status.label,
                "count": counts.get(status, 0),
                "href": f"?status={status.value}",
                "current": self.status == status,
            }
            for status in OfferStatus
        ]


class OfferRow:
    """An offer with what it came to."""

    def __init__(self, offer: Offer) -> None:
        self.offer, self.budget = offer, offer.budget

    @property
    def lines(self) -> list[str]:
        return promise_lines(self.offer.promise)


class OfferPortrait(OfferRow):
    """One offer as its page shows it; reads each part once."""

    def __init__(self, offer_id: int, *, at: datetime) -> None:
        self.at = at
        rows = Offer.objects.select_related("budget", "created_by")
        super().__init__(get_object_or_404(rows, pk=offer_id))

    @property
    def description(self) -> str:
        return (in_chinese() and self.offer.description_zh) or self.offer.description

    @cached_property
    def plans(self) -> list[str]:
        return [name_of(plan) for plan in Plan.objects.filter(pk__in=self.offer.promise.plans)]

    @cached_property
    def tiers(self) -> list[str]:
        return [name_of(tier) for tier in Tier.objects.filter(pk__in=self.offer.promise.tiers)]

    @property
    def is_issuable(self) -> bool:
        offer = self.offer
        return offer.status == OfferStatus.ACTIVE and (offer.valid_until is None or offer.valid_until > self.at)

    @property
    def funnel(self) -> list[dict[str, Any]]:
        """How many coupons came how far, each with its list and its part of those issued."""
        budget, address = self.budget, reverse("offers:coupons", args=[self.offer.pk])
        issued: dict[str, Any] = {"label": _("Issued"), "count": budget.issued, "href": address, "dot": ""}
        ends = {
            CouponStatus.ISSUED: budget.unused, CouponStatus.REDEEMED: budget.redeemed,
            CouponStatus.EXPIRED: budget.expired, CouponStatus.REVOKED: budget.revoked,
        }  # fmt: skip
        rows = [issued] + [
            {"label": status.label, "count": n, "href": f"{address}?status={status.value}", "dot": COUPON_DOTS[status]}
            for status, n in ends.items()
        ]
        return [row | {"share": row["count"] / (budget.issued or 1)} for row in rows]

    @cached_property
    def runs(self) -> list[dict[str, Any]]:
        """The last times it was issued to a segment."""
        found = IssueRun.objects.filter(offer=self.offer).select_related("segment", "created_by")[:RECENT]
        return [{"run": run, "stop": STOPS.get(run.stop_reason, "")} for run in found]

    @property
    def is_running(self) -> bool:
        return any(row["run"].status == IssueRun.Status.RUNNING for row in self.runs)

    @cached_property
    def recent(self) -> list[Coupon]:
        """The coupons issued last."""
        return list(Coupon.objects.listed(self.offer).behind(None)[:RECENT])


@dataclass(frozen=True)
class PlanQuote:
    """A plan on sale, and what it costs with a coupon or why the coupon does not apply."""

    plan: Plan
    quote: rules.Quote

    @property
    def words(self) -> str:
        found = self.quote
        return refusal_with_amounts(Refused(found.refusal, **found.detail)) if found.refusal else quote_text(found)


class Redemption:
    """What a coupon makes of every plan on sale for its member."""

    def __init__(self, coupon_id: int, *, at: datetime) -> None:
        related = Coupon.objects.select_related("offer", "member__lifecycle")
        self.coupon = get_object_or_404(related, pk=coupon_id)
        self.at = at

    @cached_property
    def _quotes(self) -> list[PlanQuote]:
        plans = list(Plan.objects.filter(is_sold=True).order_by("price_cents", "pk"))
        found = redeeming.quotes(member_id=self.coupon.member_id, plans=plans, coupon=self.coupon, at=self.at)
        return [PlanQuote(plan, quote) for plan, quote in zip(plans, found, strict=True)]

    @property
    def choices(self) -> list[tuple[int, str]]:
        """The plans it applies to."""
        fitting = [row for row in self._quotes if not row.quote.refusal]
        return [(row.plan.pk, f"{name_of(row.plan)} · {row.words}") for row in fitting]

    @cached_property
    def refused(self) -> dict[str, list[Plan]]:
        """Why it does not apply, with the plans it does not apply to."""
        found: dict[str, list[Plan]] = {}
        for row in self._quotes:
            if row.quote.refusal:
                found.setdefault(row.words, []).append(row.plan)
        return found

    @property
    def not_yet(self) -> str:
        """Why it applies to no plan now; empty when it applies to one."""
        return "" if self.choices else next(iter(self.refused), "")


class CouponList(Pages, OfferPortrait):
    """An offer's coupons of a status, the latest first, a page at a time."""

    def __init__(self, offer_id: int, *, at: datetime, params: QueryDict) -> None:
        super().__init__(offer_id, at=at)
        self.status = params.get("status", "") if params.get("status") in CouponStatus.values else ""
        self.after = Cursor.parse(params.get("after", ""))

    def asked(self) -> dict[str, Any]:
        return {"status": self.status}

    def behind(self) -> QuerySet[Coupon]:
        rows = Coupon.objects.listed(self.offer)
        rows = rows.shown_as(self.status) if self.status else rows
        return rows.behind(self.after if self.after and self.after.value else None)

    def mark(self, row: Coupon) -> object:
        return Cursor(row.issued_at, row.pk)

    @property
    def tabs(self) -> list[dict[str, Any]]:
        return [row | {"current": row["href"].endswith(f"?status={self.status}")} for row in self.funnel[1:]]
