"""Segment conditions on seats: who holds one, and the owners by what of theirs is held."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from entitlements.seats.models import Seat
from entitlements.seats.owners import running_terms
from members.segments.expressions import NUMERIC
from members.segments.registry import CONDITIONS, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.value_tests import NumberTest

SEATS = gettext_lazy("Family and team seats")


class YesOrNo(Condition):
    """A row of some kind is there for the member, or is not."""

    on: bool
    group = SEATS
    words: ClassVar[tuple[str | Promise, str | Promise]]

    def rows(self, context: Context) -> QuerySet[Any]:
        raise NotImplementedError

    def compile(self, context: Context) -> Q:
        found = Q(Exists(self.rows(context).filter(member_id=OuterRef("pk"))))
        return found if self.on else ~found

    def sentence(self) -> str:
        has, has_not = self.words
        return str(has if self.on else has_not)


def _owned(member_ids: Sequence[int], context: Context) -> Evidence:
    rows = running_terms(context.at).filter(member_id__in=member_ids)
    return {
        row.member_id: [
            Fact(gettext_lazy("Seats of the plan"), row.brought), Fact(gettext_lazy("Seats in use"), row.taken)
        ]
        for row in rows
    }  # fmt: skip


class HoldsSeat(YesOrNo):
    kind: Literal["seat.holds"]
    label = gettext_lazy("Holds a seat")
    fields = (Field("on", gettext_lazy("Holds one"), FieldType.BOOLEAN),)
    words = (gettext_lazy("holds a seat of somebody's family or team"), gettext_lazy("holds no seat"))

    def rows(self, context: Context) -> QuerySet[Any]:
        return Seat.objects.open()

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = self.rows(context).filter(member_id__in=member_ids)
        return {row.member_id: [Fact(gettext_lazy("Seat since"), row.given_at)] for row in rows}


class HasFreeSeats(YesOrNo):
    """Her running plan brings seats and not all of them are held."""

    kind: Literal["seat.free"]
    label = gettext_lazy("Has free seats to give")
    fields = (Field("on", gettext_lazy("Has free ones"), FieldType.BOOLEAN),)
    words = (gettext_lazy("has free seats to give"), gettext_lazy("has no free seats to give"))

    def rows(self, context: Context) -> QuerySet[Any]:
        return running_terms(context.at).filter(taken__lt=F("brought"))

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return _owned(member_ids, context)


class SeatsHeld(Condition):
    """The share of her seats that is held passes a test; whose plan brings none does not."""

    kind: Literal["seat.share"]
    test: NumberTest
    label = gettext_lazy("Share of her seats in use (%)")
    group = SEATS
    fields = (Field("test", gettext_lazy("Number"), FieldType.NUMBER_TEST),)

    def compile(self, context: Context) -> Q:
        share = Cast("taken", NUMERIC) * Value(100) / Cast("brought", NUMERIC)
        rows = running_terms(context.at).annotate(share=share).filter(self.test.over(F("share")))
        return Q(Exists(rows.filter(member_id=OuterRef("pk"))))

    def sentence(self) -> str:
        return _("%(name)s: %(test)s") % {"name": self.label, "test": self.test.sentence()}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return _owned(member_ids, context)


def register_all() -> None:
    """Open the segment builder to seats."""
    CONDITIONS.register_all([HoldsSeat, HasFreeSeats, SeatsHeld])
