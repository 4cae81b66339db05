"""Typed comparisons a condition may make: a number, a text, a date, a yes or no."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    IContains,
    In,
    IsNull,
    IStartsWith,
    LessThan,
    LessThanOrEqual,
)
from django.utils.translation import gettext as _
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, model_validator

from config.engine.money import known_currencies, money_text, to_minor
from config.engine.refusal import Refused, refusal_text
from config.engine.words import REFUSALS
from members.segments.expressions import (
    LIST_VALUE,
    InList,
    as_boolean,
    as_date,
    as_number,
    complement,
    json_single,
    json_value,
)
from members.segments.registry import Spec
from members.segments.typed_numbers import plain_number

MAX_TEXT = 200
MAX_VALUES = 500


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError(_("This text holds a character that cannot be stored."))
    return text


def of_our_days(day: date) -> date:
    if not 1900 <= day.year <= 2200:
        raise ValueError(_("Dates lie between 1900 and 2200."))
    return day


Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_without_nul)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=MAX_VALUES)]
Day = Annotated[date, AfterValidator(of_our_days)]


def _amount_or_number(value: Any) -> Any:
    """What a builder could not read as an amount comes as a mapping of what was ``typed`` and its ``currency``."""
    if not isinstance(value, Mapping):
        return plain_number(value)
    try:
        to_minor(str(value.get("typed", "")), str(value.get("currency", "")), may_be_negative=True)
    except Refused as refused:
        raise ValueError(refusal_text(refused, REFUSALS)) from refused
    raise ValueError(str(REFUSALS["not_an_amount"]))


def _known_currency(currency: str) -> str:
    if currency and currency not in known_currencies():
        raise ValueError(_("There is no currency “%(currency)s”.") % {"currency": currency})
    return currency


# A code, or empty: the project's own.
Currency = Annotated[str, Field(max_length=3), AfterValidator(_known_currency)]
Number = Annotated[
    Decimal,
    BeforeValidator(_amount_or_number),
    Field(allow_inf_nan=False, ge=-(10**15), le=10**15, decimal_places=6),
]


def joined(values: Any) -> str:
    """Values as an enumeration of alternatives."""
    return _(" or ").join(str(value) for value in values)


class NumberTest(Spec):
    """A number against one bound, or between two (both included)."""

    type: Literal["number"] = "number"
    op: Literal["eq", "lt", "lte", "gt", "gte", "between"]
    value: Number
    until: Number | None = None

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if (self.op == "between") != (self.until is not None):
            raise ValueError(_("Only “between” needs a second number, and it always does."))
        if self.until is not None and self.until < self.value:
            raise ValueError(_("The second number is smaller than the first."))
        return self

    def over(self, number: Any) -> Q:
        """``number`` (an expression) passes; unknown when it is null."""
        match self.op:
            case "eq":
                return Q(Exact(number, self.value))
            case "lt":
                return Q(LessThan(number, self.value))
            case "lte":
                return Q(LessThanOrEqual(number, self.value))
            case "gt":
                return Q(GreaterThan(number, self.value))
            case "gte":
                return Q(GreaterThanOrEqual(number, self.value))
        return Q(GreaterThanOrEqual(number, self.value)) & Q(LessThanOrEqual(number, self.until))

    def of_text(self, text: Combinable) -> Q:
        return self.over(as_number(text))

    def holds_for_zero(self) -> bool:
        """Whether nothing at all passes."""
        match self.op:
            case "eq":
                return self.value == 0
            case "lt":
                return self.value > 0
            case "lte":
                return self.value >= 0
            case "gt":
                return self.value < 0
            case "gte":
                return self.value <= 0
        return self.until is not None and self.value <= 0 <= self.until

    def sentence(self) -> str:
        return self._sentence(_plain)

    def money_sentence(self, currency: str) -> str:
        """The test of an amount, whose bounds are minor units of ``currency``."""
        return self._sentence(lambda minor: money_text(minor, currency))

    def _sentence(self, written: Callable[[Decimal], str]) -> str:
        value, until = written(self.value), written(self.until or Decimal())
        return {
            "eq": _("exactly %(value)s"),
            "lt": _("less than %(value)s"),
            "lte": _("at most %(value)s"),
            "gt": _("more than %(value)s"),
            "gte": _("at least %(value)s"),
            "between": _("between %(value)s and %(until)s"),
        }[self.op] % {"value": value, "until": until}


class TextTest(Spec):
    """A text against given ones, or whether there is any. Upper and lower case differ only in ``is``."""

    type: Literal["text"]
    op: Literal["is", "is_not", "contains", "starts_with", "known", "unknown"]
    values: Annotated[tuple[Text, ...], Field(max_length=MAX_VALUES)] = ()

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        if (self.op in ("known", "unknown")) == bool(self.values):
            raise ValueError(_("Name at least one value, or none to ask whether there is any."))
        return self

    @property
    def denied(self) -> "TextTest | None":
        """The test of which this one is the exact opposite, where it says that something is not so."""
        match self.op:
            case "is_not":
                return self.model_copy(update={"op": "is"})
            case "unknown":
                return self.model_copy(update={"op": "known"})
        return None

    def of_text(self, text: Combinable) -> Q:
        """``text`` passes. A test that denies holds of what the other does not pass, and not of a text."""
        match self.op:
            case "is":
                return Q(In(text, list(self.values)))
            case "known":
                return Q(IsNull(text, False))
        lookup = IContains if self.op == "contains" else IStartsWith
        passes = Q()
        for value in self.values:
            passes |= Q(lookup(text, value))
        return passes

    def sentence(self) -> str:
        return {
            "is": _("is %(values)s"),
            "is_not": _("is not %(values)s"),
            "contains": _("contains %(values)s"),
            "starts_with": _("begins with %(values)s"),
            "known": _("is known"),
            "unknown": _("is not known"),
        }[self.op] % {"values": joined(self.values)}


class DateTest(Spec):
    """A date as it is written against given ones (``between`` includes both)."""

    type: Literal["date"]
    op: Literal["on", "before", "on_or_after", "between"]
    value: Day
    until: Day | None = None

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if (self.op == "between") != (self.until is not None):
            raise ValueError(_("Only “between” needs a second date, and it always does."))
        if self.until is not None and self.until < self.value:
            raise ValueError(_("The second date is earlier than the first."))
        return self

    def of_text(self, text: Combinable) -> Q:
        day = as_date(text)
        match self.op:
            case "on":
                return Q(Exact(day, self.value))
            case "before":
                return Q(LessThan(day, self.value))
            case "on_or_after":
                return Q(GreaterThanOrEqual(day, self.value))
        return Q(GreaterThanOrEqual(day, self.value)) & Q(LessThanOrEqual(day, self.until))

    def sentence(self) -> str:
        return {
            "on": _("on %(value)s"),
            "before": _("before %(value)s"),
            "on_or_after": _("on or after %(value)s"),
            "between": _("between %(value)s and %(until)s"),
        }[self.op] % {"value": self.value.isoformat(), "until": self.until.isoformat() if self.until else ""}


class BooleanTest(Spec):
    """A yes or no."""

    type: Literal["boolean"]
    value: bool

    def of_text(self, text: Combinable) -> Q:
        return Q(Exact(as_boolean(text), self.value))

    def sentence(self) -> str:
        return _("is yes") if self.value else _("is no")


ValueTest = Annotated[TextTest | NumberTest | DateTest | BooleanTest, Discriminator("type")]


class PropertyFilter(Spec):
    """One property of an event or attribute of a member, compared by its type.

    A list has several values: a test passes when one of them does, and what is denied holds of none. An empty list has
    no value, like a property that is missing or null.
    """

    name: Text
    test: ValueTest

    def over(self, column: str) -> Q:
        """Rows whose JSON ``column`` passes."""
        denied = self.test.denied if isinstance(self.test, TextTest) else None
        test = denied or self.test
        in_list = InList(json_value(column, self.name), test.of_text(LIST_VALUE))
        passes = test.of_text(json_single(column, self.name)) | Q(in_list)
        return complement(passes) if denied else passes

    def sentence(self) -> str:
        return _("%(name)s %(test)s") % {"name": self.name, "test": self.test.sentence()}


def _plain(number: Decimal) -> str:
    return f"{number:f}".rstrip("0").rstrip(".") if "." in f"{number:f}" else f"{number:f}"
