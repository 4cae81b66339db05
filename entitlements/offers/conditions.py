"""Segment conditions on coupons and partner codes."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.naming import name_of
from entitlements.codes.models import CodePool, PartnerCode
from entitlements.offers.lifecycle import CouponStatus
from entitlements.offers.models import Coupon, Offer
from members.people.rules import end_for_people
from members.segments.conditions.bases import IS_OR_IS_NOT
from members.segments.expressions import member_zone
from members.segments.registry import CONDITIONS, Choice, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.timing import Span
from members.segments.value_tests import Texts, joined

OFFERS = gettext_lazy("Offers and coupons")


def _choices(model: Any, rows: str) -> Callable[[], list[Choice]]:
    def read() -> list[Choice]:
        return [Choice(row.code, name_of(row), row.n) for row in model.objects.annotate(n=Count(rows)).order_by("-pk")]

    return read


class HasOneOf(Condition):
    """Has, or has not, a row of one of some things (``owner``) named by their codes."""

    op: Literal["is", "is_not"] = "is"
    values: Texts
    group = OFFERS

    owner: ClassVar[Any]
    path: ClassVar[str]
    column: ClassVar[str]
    words: ClassVar[tuple[str | Promise, str | Promise]]
    unknown: ClassVar[str | Promise]

    def rows(self, context: Context) -> QuerySet:
        """The rows that count, of anybody and of any of the things."""
        raise NotImplementedError

    def _found(self, context: Context) -> QuerySet:
        return self.rows(context).filter(**{f"{self.path}__code__in": self.values})

    def compile(self, context: Context) -> Q:
        found = Q(Exists(self._found(context).filter(member_id=OuterRef("pk"))))
        return found if self.op == "is" else ~found

    def sentence(self) -> str:
        names = {row.code: name_of(row) for row in self.owner.objects.filter(code__in=self.values)}
        has, has_not = self.words
        text = str(has if self.op == "is" else has_not)
        return text % {"names": joined(names.get(value, value) for value in self.values)}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found: dict[int, list[Fact]] = {pk: [] for pk in member_ids}
        rows = self._found(context).filter(member_id__in=member_ids).select_related(self.path)
        for row in rows.annotate(zone=member_zone("member__")).order_by(self.column, "pk"):
            found[row.member_id].append(Fact(name_of(getattr(row, self.path)), self.moment(row)))
        return found

    def moment(self, row: Any) -> Any:
        """When it was, or until when it is, for people."""
        return getattr(row, self.column)

    def faults(self) -> list[tuple[str, str]]:
        known = set(self.owner.objects.filter(code__in=self.values).values_list("code", flat=True))
        return [("values", str(self.unknown) % {"value": value}) for value in self.values if value not in known]


class OfOffers(HasOneOf):
    owner, path, column = Offer, "offer", "issued_at"
    unknown = gettext_lazy("There is no offer “%(value)s”.")
    fields = (
        IS_OR_IS_NOT,
        Field("values", gettext_lazy("Offers"), FieldType.MULTI_CHOICE, _choices(Offer, "coupons")),
    )

    def rows(self, context: Context) -> QuerySet:
        return Coupon.objects.all()


class Issued(OfOffers):
    """Was issued a coupon of one of some offers, whatever became of it."""

    kind: Literal["coupon.issued"]
    label = gettext_lazy("Coupon issued")
    words = (gettext_lazy("was issued a coupon of %(names)s"), gettext_lazy("was never issued a coupon of %(names)s"))


class Redeemed(OfOffers):
    kind: Literal["coupon.redeemed"]
    label = gettext_lazy("Coupon redeemed")
    words = (gettext_lazy("redeemed a coupon of %(names)s"), gettext_lazy("did not redeem a coupon of %(names)s"))
    column = "finished_at"

    def rows(self, context: Context) -> QuerySet:
        return Coupon.objects.filter(status=CouponStatus.REDEEMED)


class Unused(OfOffers):
    """Holds a coupon she can still redeem."""

    kind: Literal["coupon.unused"]
    label = gettext_lazy("Coupon unused")
    words = (gettext_lazy("has an unused coupon of %(names)s"), gettext_lazy("has no unused coupon of %(names)s"))
    column = "expires_at"

    def rows(self, context: Context) -> QuerySet:
        return Coupon.objects.unused(context.at)

    def moment(self, row: Any) -> Any:
        return end_for_people(row.expires_at, row.zone)


class Expiring(Condition):
    """Holds a coupon of any offer that ends within a span from now."""

    kind: Literal["coupon.expiring"]
    within: Span
    label = gettext_lazy("Coupon ends soon")
    group = OFFERS
    fields = (Field("within", gettext_lazy("Within the next"), FieldType.DURATION),)

    def _found(self, context: Context) -> QuerySet:
        return Coupon.objects.unused(context.at).filter(expires_at__lte=context.at + self.within.length)

    def compile(self, context: Context) -> Q:
        return Q(Exists(self._found(context).filter(member_id=OuterRef("pk"))))

    def sentence(self) -> str:
        return _("has a coupon that ends within the next %(span)s") % {"span": self.within.span_words()}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found: dict[int, list[Fact]] = {pk: [] for pk in member_ids}
        rows = self._found(context).filter(member_id__in=member_ids).select_related("offer")
        for row in rows.annotate(zone=member_zone("member__")).order_by("expires_at"):
            found[row.member_id].append(Fact(name_of(row.offer), end_for_people(row.expires_at, row.zone)))
        return found


class Claimed(HasOneOf):
    """Got a code of one of some partners' pools."""

    kind: Literal["partner_code.claimed"]
    label = gettext_lazy("Partner code")
    words = (gettext_lazy("got a partner code of %(names)s"), gettext_lazy("got no partner code of %(names)s"))
    unknown = gettext_lazy("There is no code pool “%(value)s”.")
    owner, path, column = CodePool, "pool", "claimed_at"
    fields = (
        IS_OR_IS_NOT,
        Field("values", gettext_lazy("Code pools"), FieldType.MULTI_CHOICE, _choices(CodePool, "codes__member")),
    )

    def rows(self, context: Context) -> QuerySet:
        return PartnerCode.objects.claimed()


def register_all() -> None:
    """Open the segment builder to coupons and partner codes."""
    CONDITIONS.register_all([Issued, Redeemed, Unused, Expiring, Claimed])
