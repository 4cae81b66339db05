"""A member's coupons and partner codes as her page shows them."""

from datetime import datetime
from functools import cached_property
from typing import Any

from entitlements.codes.console.forms import HandOutForm
from entitlements.codes.models import PartnerCode
from entitlements.offers.console.forms import IssueOneForm
from entitlements.offers.models import Coupon
from entitlements.offers.operations.redeeming import ReturnOffer, offer_for
from members.people.console.cards import CARDS, Card

SHOWN = 8


def register() -> None:
    """Called once, when the app is ready."""
    CARDS.register(Card("coupons", "offers/includes/member.html", MemberCoupons))


class MemberCoupons:
    """Reads each part once, when the page asks for it."""

    def __init__(self, member_id: int, at: datetime) -> None:
        self.member_id, self.at = member_id, at

    @cached_property
    def coupons(self) -> list[Coupon]:
        """The last ones, the latest first."""
        rows = Coupon.objects.filter(member_id=self.member_id).select_related("offer", "term", "member__lifecycle")
        return list(rows.behind(None)[:SHOWN])

    @cached_property
    def codes(self) -> list[PartnerCode]:
        rows = PartnerCode.objects.filter(member_id=self.member_id).select_related("pool")
        return list(rows.order_by("-claimed_at", "-pk")[:SHOWN])

    @cached_property
    def best_return(self) -> ReturnOffer | None:
        """What to offer her while she is away."""
        return offer_for(member_id=self.member_id, at=self.at)

    @property
    def issue_form(self) -> IssueOneForm:
        return IssueOneForm(at=self.at)

    @property
    def code_form(self) -> Any:
        return HandOutForm()
