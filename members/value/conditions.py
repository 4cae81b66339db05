"""Segment conditions on value: RFM, churn risk and maturity, as they were last refreshed."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from django.db.models import Count, F, Q
from django.db.models.lookups import In
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from pydantic import Field as Limits

from config.engine.money import money_text
from members.segments.conditions.bases import IS_OR_IS_NOT, ChoiceCondition, facts_of
from members.segments.expressions import complement
from members.segments.registry import CONDITIONS, Choice, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.value_tests import NumberTest
from members.value.groups import BAND_BOUNDS, Band, Group, band_of
from members.value.models import MemberValue, ValueSettings

VALUE = pgettext_lazy("menu", "Value")
TEST = Field("test", gettext_lazy("Number"), FieldType.NUMBER_TEST)

GroupCode = Literal[
    "core", "develop", "keep", "rescue", "general_value", "general_develop", "general_keep", "general_rescue"
]
BandCode = Literal["low", "medium", "high"]


def _group(code: str) -> Group:
    return Group[code.upper()]


def _groups() -> list[Choice]:
    rows = (
        MemberValue.objects.of_members()
        .filter(rfm_group__isnull=False)
        .values_list("rfm_group")
        .annotate(n=Count("pk"))
    )
    counts = dict(rows.order_by())
    return [Choice(group.name.lower(), group.label, counts.get(group.value, 0)) for group in Group]


class InRfmGroup(ChoiceCondition):
    """Is in one of the eight RFM groups; who bought nothing in the window is in none."""

    kind: Literal["value.rfm"]
    values: Annotated[list[GroupCode], Limits(min_length=1, max_length=8)]
    label = gettext_lazy("RFM group")
    group = VALUE
    path = "scores__rfm_group"
    narrows = False
    fields = (IS_OR_IS_NOT, Field("values", gettext_lazy("Groups"), FieldType.MULTI_CHOICE, _groups))

    def compile(self, context: Context) -> Q:
        found = Q(In(F(self.path), [_group(code).value for code in self.values]))
        return found if self.op == "is" else complement(found)

    def names(self) -> list[str]:
        return [str(_group(code).label) for code in self.values]

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found = facts_of(member_ids, self.label, self.path)
        return {pk: [Fact(f.label, f.value and Group(f.value).label) for f in facts] for pk, facts in found.items()}


class NumberCondition(Condition):
    """A number kept with a member passes a test; who has none does not. An amount says its ``currency``."""

    test: NumberTest
    group = VALUE
    fields: ClassVar[tuple[Field, ...]] = (TEST,)

    path: ClassVar[str]

    def compile(self, context: Context) -> Q:
        return self.test.over(F(self.path))

    @classmethod
    def currency(cls) -> str:
        """The currency of the number; empty where it is no amount."""
        return ""

    def sentence(self) -> str:
        currency = self.currency()
        test = self.test.money_sentence(currency) if currency else self.test.sentence()
        return _("%(name)s %(test)s") % {"name": self.label, "test": test}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found = facts_of(member_ids, self.label, self.path)
        if not (currency := self.currency()):
            return found
        return {pk: [Fact(f.label, money_text(f.value, currency)) for f in facts] for pk, facts in found.items()}


class Recency(NumberCondition):
    kind: Literal["value.recency"]
    label = gettext_lazy("Days since the last purchase")
    path = "scores__recency_days"


class Frequency(NumberCondition):
    kind: Literal["value.frequency"]
    label = gettext_lazy("Purchases in the RFM window")
    path = "scores__frequency"


class Monetary(NumberCondition):
    kind: Literal["value.monetary"]
    label = gettext_lazy("Spent in the RFM window")
    path = "scores__monetary_cents"
    fields = (
        Field(
            "test", gettext_lazy("Amount"), FieldType.NUMBER_TEST, currency=lambda values: ValueSettings.currency_now()
        ),
    )  # fmt: skip

    @classmethod
    def currency(cls) -> str:
        return ValueSettings.currency_now()


class Risk(NumberCondition):
    kind: Literal["value.risk"]
    label = gettext_lazy("Churn risk (0–100)")
    path = "scores__risk_score"


def _bands() -> list[Choice]:
    counts = {
        code: MemberValue.objects.of_members().filter(risk_score__gte=low, risk_score__lt=high).count()
        for code, (low, high) in BAND_BOUNDS.items()
    }
    return [Choice(band.value, band.label, counts[band.value]) for band in Band]


class InRiskBand(ChoiceCondition):
    """The churn risk is low, medium or high; who is not in cover has none."""

    kind: Literal["value.risk_band"]
    values: Annotated[list[BandCode], Limits(min_length=1, max_length=3)]
    label = gettext_lazy("Churn risk")
    group = VALUE
    path = "scores__risk_score"
    narrows = False
    fields = (IS_OR_IS_NOT, Field("values", gettext_lazy("Bands"), FieldType.MULTI_CHOICE, _bands))

    def compile(self, context: Context) -> Q:
        found = Q()
        for code in self.values:
            low, high = BAND_BOUNDS[code]
            found |= Q(scores__risk_score__gte=low, scores__risk_score__lt=high)
        return found if self.op == "is" else complement(found)

    def names(self) -> list[str]:
        return [str(Band(code).label) for code in self.values]

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = MemberValue.objects.filter(pk__in=member_ids).values_list("pk", "risk_score")
        return {
            pk: [Fact(self.label, score), Fact(gettext_lazy("Band"), None if score is None else band_of(score).label)]
            for pk, score in rows
        }


class Mature(Condition):
    """Is mature, or is not; who has no data for any part is neither."""

    kind: Literal["value.mature"]
    on: bool
    label = gettext_lazy("Mature member")
    group = VALUE
    fields = (Field("on", gettext_lazy("Is mature"), FieldType.BOOLEAN),)

    def compile(self, context: Context) -> Q:
        return Q(scores__is_mature=self.on)

    def sentence(self) -> str:
        return _("is a mature member") if self.on else _("is not a mature member")

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = MemberValue.objects.filter(pk__in=member_ids).values_list("pk", "is_mature")
        words: dict[bool | None, Any] = {True: _("Yes"), False: _("No"), None: None}
        return {pk: [Fact(self.label, words[mature])] for pk, mature in rows}


class Maturity(NumberCondition):
    kind: Literal["value.maturity"]
    label = gettext_lazy("Maturity score (0–100)")
    path = "scores__maturity_score"


def register_all() -> None:
    """Open the segment builder to value."""
    CONDITIONS.register_all([InRfmGroup, Recency, Frequency, Monetary, InRiskBand, Risk, Mature, Maturity])
