"""Conditions on what is known about a person."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from django.db.models import F, Func, Q, Value
from django.db.models.functions import ExtractMonth
from django.db.models.lookups import Exact, In
from django.utils.dates import MONTHS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field as Limits

from members.people.models import Member
from members.segments.conditions.bases import IS_OR_IS_NOT, ChoiceCondition, MomentCondition, counted, facts_of
from members.segments.expressions import local_date, member_zone
from members.segments.registry import Choice, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.value_tests import PropertyFilter, Text, Texts, ValueTest, joined

PROFILE = gettext_lazy("Profile")
SAMPLED_MEMBERS = 5_000


def _values(path: str) -> Field:
    return Field(
        "values",
        gettext_lazy("Values"),
        FieldType.MULTI_CHOICE,
        lambda: [Choice(value, value, n) for value, n in counted(path)],
    )


class Language(ChoiceCondition):
    kind: Literal["profile.language"]
    values: Texts
    label = gettext_lazy("Language")
    group = PROFILE
    path = "language"
    fields = (IS_OR_IS_NOT, _values("language"))


class City(ChoiceCondition):
    kind: Literal["profile.city"]
    values: Texts
    label = gettext_lazy("City")
    group = PROFILE
    path = "city"
    fields = (IS_OR_IS_NOT, _values("city"))


class Channel(ChoiceCondition):
    kind: Literal["profile.channel"]
    values: Texts
    label = gettext_lazy("Source channel")
    group = PROFILE
    path = "channel"
    fields = (IS_OR_IS_NOT, _values("channel"))


def _genders() -> list[Choice]:
    counts = dict(counted("gender"))
    return [Choice(gender.value, gender.label, counts.get(gender.value, 0)) for gender in Member.Gender if gender]


class Gender(ChoiceCondition):
    kind: Literal["profile.gender"]
    values: Annotated[list[Literal["female", "male", "other"]], Limits(min_length=1, max_length=3)]
    label = gettext_lazy("Gender")
    group = PROFILE
    path = "gender"
    narrows = False
    fields = (IS_OR_IS_NOT, Field("values", gettext_lazy("Values"), FieldType.MULTI_CHOICE, _genders))

    def names(self) -> list[str]:
        return [str(Member.Gender(value).label) for value in self.values]

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found = facts_of(member_ids, self.label, self.path)
        return {
            pk: [Fact(f.label, f.value and Member.Gender(f.value).label) for f in facts] for pk, facts in found.items()
        }


class Registered(MomentCondition):
    kind: Literal["profile.registered"]
    label = gettext_lazy("Registered")
    group = PROFILE
    path = "registered_at"


def _months() -> list[Choice]:
    return [Choice(str(number), name) for number, name in MONTHS.items()]


class BirthdayMonth(Condition):
    """The birthday lies in one of some months, or in the month it is where the member lives."""

    kind: Literal["profile.birthday_month"]
    months: Annotated[tuple[Annotated[int, Limits(ge=1, le=12)], ...], Limits(max_length=12)] = ()
    label = gettext_lazy("Birthday month")
    group = PROFILE
    fields = (Field("months", gettext_lazy("Months (none: the current one)"), FieldType.MONTHS, _months),)

    def compile(self, context: Context) -> Q:
        month = ExtractMonth("birthday_on")
        if self.months:
            return Q(In(month, list(self.months)))
        now = local_date(Value(context.at), member_zone())
        return Q(Exact(month, ExtractMonth(now)))

    def sentence(self) -> str:
        if not self.months:
            return _("birthday in the current month")
        return _("birthday in %(months)s") % {"months": joined(MONTHS[month] for month in self.months)}

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return facts_of(member_ids, gettext_lazy("Birthday"), "birthday_on")


def _attribute_names() -> list[Choice]:
    names = Func(F("attributes"), function="jsonb_object_keys")
    # The newest members' attributes are the project's; reading everybody's would take seconds.
    recent = Member.objects.order_by("-pk").values("pk")[:SAMPLED_MEMBERS]
    found = Member.objects.filter(pk__in=recent).values_list(names, flat=True).distinct()
    return [Choice(name, name) for name in sorted(found)]


class Attribute(Condition):
    """A custom attribute, compared by the type the condition names."""

    kind: Literal["profile.attribute"]
    name: Text
    test: ValueTest
    label = gettext_lazy("Custom attribute")
    group = PROFILE
    fields: ClassVar[tuple[Field, ...]] = (
        Field("name", gettext_lazy("Attribute"), FieldType.CHOICE, _attribute_names),
        Field("test", gettext_lazy("Comparison"), FieldType.VALUE_TEST),
    )

    def _filter(self) -> PropertyFilter:
        return PropertyFilter(name=self.name, test=self.test)

    def compile(self, context: Context) -> Q:
        return self._filter().over("attributes")

    def sentence(self) -> str:
        return self._filter().sentence()

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = Member.objects.filter(pk__in=member_ids).values_list("pk", "attributes")
        return {pk: [Fact(self.name, attributes.get(self.name))] for pk, attributes in rows}


ALL = (Language, Gender, City, Channel, Registered, BirthdayMonth, Attribute)
