"""Segment conditions on tiers, as they were last assessed, and the dimensions lists of members are counted by."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.db.models.lookups import In
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field as Limits

from config.engine.naming import name_of
from entitlements.tiers.measures import MEASURES, Unit
from entitlements.tiers.models import ManualTier, TierChange, TierStanding
from entitlements.tiers.operations.assessing import active_policy
from entitlements.tiers.querysets.standing import effective_tier, source_of_tier
from members.people.models import Member
from members.plans.models import Tier
from members.segments.conditions.bases import IS_OR_IS_NOT, ChoiceCondition
from members.segments.dimensions import DIMENSIONS, Dimension, Words
from members.segments.expressions import complement
from members.segments.registry import CONDITIONS, Choice, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.timing import Span
from members.segments.value_tests import Texts
from members.value.conditions import NumberCondition
from members.value.models import ValueSettings

TIERS = gettext_lazy("Tiers")
SOURCES = {
    "plan": gettext_lazy("Bought with a plan"),
    "qualified": TierStanding.Via.QUALIFIED.label,
    "manual": TierStanding.Via.MANUAL.label,
}
DIRECTIONS = {
    "any": gettext_lazy("up or down"),
    "up": gettext_lazy("up"),
    "down": gettext_lazy("down"),
}


def _tiers() -> list[Choice]:
    return [Choice(tier.code, name_of(tier)) for tier in Tier.objects.all()]


def _facts(member_ids: Sequence[int], label: Any, value: Any, words: Words) -> Evidence:
    rows = Member.objects.filter(pk__in=member_ids).annotate(fact=value).values_list("pk", "fact")
    return {pk: [Fact(label, words.get(str(found)) if found else None)] for pk, found in rows}


class EffectiveTier(ChoiceCondition):
    """The tier that counts: the highest of what she bought, what she earned and what she was given."""

    kind: Literal["tiers.effective"]
    values: Texts
    label = gettext_lazy("Effective tier")
    group = TIERS
    narrows = False
    fields = (IS_OR_IS_NOT, Field("values", gettext_lazy("Tiers"), FieldType.MULTI_CHOICE, _tiers))

    def compile(self, context: Context) -> Q:
        ids = list(Tier.objects.filter(code__in=self.values).values_list("pk", flat=True))
        found = Q(In(effective_tier(context.at), ids)) if ids else Q(pk__in=[])
        return found if self.op == "is" else complement(found)

    def names(self) -> list[str]:
        names = {tier.code: name_of(tier) for tier in Tier.objects.filter(code__in=self.values)}
        return [names.get(value, value) for value in self.values]

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return _facts(member_ids, self.label, effective_tier(context.at), _tier_words())

    def faults(self) -> Iterable[tuple[str, str]]:
        known = set(Tier.objects.filter(code__in=self.values).values_list("code", flat=True))
        return [
            ("values", _("There is no “%(value)s”.") % {"value": value}) for value in self.values if value not in known
        ]


class TierThrough(ChoiceCondition):
    """Through what she has the tier that counts; who has none has it through nothing."""

    kind: Literal["tiers.via"]
    values: Annotated[list[Literal["plan", "qualified", "manual"]], Limits(min_length=1, max_length=3)]
    label = gettext_lazy("Tier through")
    group = TIERS
    narrows = False
    fields = (
        IS_OR_IS_NOT,
        Field(
            "values", gettext_lazy("Through"), FieldType.MULTI_CHOICE,
            lambda: [Choice(code, label) for code, label in SOURCES.items()],
        ),
    )  # fmt: skip

    def compile(self, context: Context) -> Q:
        found = Q(In(source_of_tier(context.at), list(self.values)))
        return found if self.op == "is" else complement(found)

    def names(self) -> list[str]:
        return [str(SOURCES[value]) for value in self.values]

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return _facts(member_ids, self.label, source_of_tier(context.at), SOURCES)


class GivenTier(Condition):
    """Has a tier given by hand that has not run out, or has none."""

    kind: Literal["tiers.manual"]
    on: bool
    label = gettext_lazy("Tier given by hand")
    group = TIERS
    fields = (Field("on", gettext_lazy("Has one"), FieldType.BOOLEAN),)

    def _given(self, context: Context) -> QuerySet[ManualTier]:
        return ManualTier.objects.running(context.at)

    def compile(self, context: Context) -> Q:
        found = Q(Exists(self._given(context).filter(member_id=OuterRef("pk"))))
        return found if self.on else ~found

    def sentence(self) -> str:
        return _("has a tier given by hand") if self.on else _("has no tier given by hand")

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found = self._given(context).filter(member_id__in=member_ids).select_related("tier")
        names = {given.member_id: name_of(given.tier) for given in found}
        return {pk: [Fact(self.label, names.get(pk))] for pk in member_ids}


class Gap(NumberCondition):
    """What is missing to the next tier, in the unit of the policy's measure (of money: in minor units)."""

    kind: Literal["tiers.gap"]
    label = gettext_lazy("Missing to the next tier")
    group = TIERS
    path = "tier_standing__gap"
    fields = (Field("test", gettext_lazy("Number"), FieldType.NUMBER_TEST, currency=lambda values: Gap.currency()),)

    @classmethod
    def currency(cls) -> str:
        measure = MEASURES.get(active_policy().gap_measure)
        return ValueSettings.currency_now() if measure and measure.unit == Unit.MONEY else ""


class WillDowngrade(Condition):
    """Will be downgraded within a span unless something comes in. Known as far ahead as the policy gives notice."""

    kind: Literal["tiers.downgrade"]
    within: Span
    label = gettext_lazy("Will be downgraded")
    group = TIERS
    fields = (Field("within", gettext_lazy("Within the next"), FieldType.DURATION),)

    def compile(self, context: Context) -> Q:
        until = context.at + self.within.length
        return Q(tier_standing__will_downgrade_at__gte=context.at, tier_standing__will_downgrade_at__lte=until)

    def sentence(self) -> str:
        return _("will be downgraded within the next %(span)s") % {"span": self.within.span_words()}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = TierStanding.objects.filter(pk__in=member_ids).values_list("pk", "will_downgrade_at")
        known = dict(rows)
        return {pk: [Fact(self.label, known.get(pk))] for pk in member_ids}


class ChangedTier(Condition):
    """The earned or given tier changed within the last span."""

    kind: Literal["tiers.changed"]
    direction: Literal["any", "up", "down"] = "any"
    within: Span
    label = gettext_lazy("Changed tier lately")
    group = TIERS
    fields = (
        Field(
            "direction", gettext_lazy("Which way"), FieldType.CHOICE,
            lambda: [Choice(code, label) for code, label in DIRECTIONS.items()],
        ),
        Field("within", gettext_lazy("Within the last"), FieldType.DURATION),
    )  # fmt: skip

    def _changes(self, context: Context) -> QuerySet[TierChange]:
        found = TierChange.objects.filter(at__gte=context.at - self.within.length, at__lte=context.at)
        return found if self.direction == "any" else found.filter(is_up=self.direction == "up")

    def compile(self, context: Context) -> Q:
        return Q(Exists(self._changes(context).filter(member_id=OuterRef("pk"))))

    def sentence(self) -> str:
        words = {"direction": DIRECTIONS[self.direction], "span": self.within.span_words()}
        return _("changed tier (%(direction)s) within the last %(span)s") % words

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found = dict(
            self._changes(context).filter(member_id__in=member_ids).order_by("at").values_list("member_id", "at")
        )
        return {pk: [Fact(self.label, found.get(pk))] for pk in member_ids}


def _tier_words() -> Words:
    return {str(tier.pk): name_of(tier) for tier in Tier.objects.all()}


def _source_words() -> Words:
    return {
        f"{tier.pk}:{code}": _("%(tier)s, %(through)s") % {"tier": name_of(tier), "through": label}
        for tier in Tier.objects.all()
        for code, label in SOURCES.items()
    }


def _tier_and_source(at: Any) -> Coalesce:
    tier = Cast(effective_tier(at), TextField())
    return Coalesce(Concat(tier, Value(":"), source_of_tier(at), output_field=TextField()), Value(""))


def register_all() -> None:
    """Open the segment builder, breakdowns and the members list to tiers."""
    CONDITIONS.register_all([EffectiveTier, TierThrough, GivenTier, Gap, WillDowngrade, ChangedTier])
    DIMENSIONS.register_all(
        [
            Dimension("effective_tier", gettext_lazy("Effective tier"), effective_tier, _tier_words, is_column=True),
            Dimension("tier_through", gettext_lazy("Effective tier and through what"), _tier_and_source, _source_words),
            Dimension("next_tier", gettext_lazy("Next tier"), lambda at: F("tier_standing__next_tier_id"), _tier_words),
        ]
    )
