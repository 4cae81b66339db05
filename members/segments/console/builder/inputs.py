"""A condition's fields as a form draws them and as it sends them back.

The value of a field is JSON in the shape of the rule; while someone is still choosing it may be incomplete, which the
schema then says at that field. Names of inputs are the field's name with the parts joined by dots.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import QueryDict
from django.utils.timezone import get_current_timezone, localtime, make_aware
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.ids import read_id, read_number
from config.engine.money import plain_text, to_minor
from config.engine.refusal import Refused
from members.segments.conditions.events import ANY_EVENT
from members.segments.registry import Choice, Condition, Field, FieldType, Spec

MAX_FILTERS = 10
SEPARATORS = re.compile(r"[,，;；\n]+")

NUMBER_OPS = {
    "gte": gettext_lazy("at least"),
    "gt": gettext_lazy("more than"),
    "lte": gettext_lazy("at most"),
    "lt": gettext_lazy("less than"),
    "eq": gettext_lazy("exactly"),
    "between": gettext_lazy("between"),
}
TEXT_OPS = {
    "is": gettext_lazy("is one of"),
    "is_not": gettext_lazy("is none of"),
    "contains": gettext_lazy("contains"),
    "starts_with": gettext_lazy("begins with"),
    "known": gettext_lazy("is known"),
    "unknown": gettext_lazy("is not known"),
}
DATE_OPS = {
    "on": gettext_lazy("on"),
    "before": gettext_lazy("before"),
    "on_or_after": gettext_lazy("on or after"),
    "between": gettext_lazy("between"),
}
WHEN_OPS = {
    "within_last": gettext_lazy("within the last"),
    "more_than_ago": gettext_lazy("more than … ago"),
    "within_next": gettext_lazy("within the next"),
    "more_than_ahead": gettext_lazy("more than … ahead"),
    "on": gettext_lazy("on"),
    "before": gettext_lazy("before"),
    "on_or_after": gettext_lazy("on or after"),
    "known": gettext_lazy("is known"),
    "unknown": gettext_lazy("is not known"),
}
SPANNED = ("within_last", "more_than_ago", "within_next", "more_than_ahead")
WINDOW_OPS = {
    "ever": gettext_lazy("ever"),
    "within_last": gettext_lazy("within the last"),
    "between": gettext_lazy("between"),
    "since_term": gettext_lazy("since the current term began"),
}
UNITS = {"days": gettext_lazy("days"), "hours": gettext_lazy("hours"), "minutes": gettext_lazy("minutes")}
TYPES = {
    "text": gettext_lazy("Text"),
    "number": gettext_lazy("Number"),
    "date": gettext_lazy("Date"),
    "boolean": gettext_lazy("Yes or no"),
}
YES_NO = {"true": gettext_lazy("yes"), "false": gettext_lazy("no")}

# The parts of a number test that are amounts where the number is one.
BOUNDS = ("value", "until")

Json = dict[str, Any]
Read = Callable[[QueryDict, str], Any]


@dataclass(frozen=True)
class Input:
    """One field ready to be drawn: ``type`` chooses the controls, ``value`` fills them."""

    name: str
    label: Any
    type: str
    value: Any
    choices: Sequence[Choice]
    errors: Sequence[str]
    currency: str = ""

    @property
    def chosen(self) -> list[str]:
        """The chosen values, also those the choices do not offer any more."""
        values = self.value if isinstance(self.value, list) else [self.value]
        return [str(value) for value in values if value not in (None, "")]

    @property
    def offered(self) -> list[Choice]:
        """The choices, and chosen values that are none of them."""
        known = {choice.value for choice in self.choices}
        return [*self.choices, *(Choice(value, value) for value in self.chosen if value not in known)]


def input_of(field: Field, condition: type[Condition], node: Json, name: str, errors: Sequence[str]) -> Input:
    """The field of a condition, whose draft is ``node``, under its input name."""
    value = node.get(field.name)
    currency = field.currency(node) if field.currency else ""
    if currency and isinstance(value, dict):
        value = {key: _in_major(part, currency) if key in BOUNDS else part for key, part in value.items()}
    if is_step(condition, field) and isinstance(value, dict):
        value = value.get("event", "")
    choices = list(field.choices()) if field.choices else []
    return Input(f"{name}.{field.name}", field.label, field.type.value, value, choices, errors, currency)


def is_step(condition: type[Condition], field: Field) -> bool:
    """Whether the field names an event inside a spec of its own."""
    annotation = condition.model_fields[field.name].annotation
    return field.type == FieldType.EVENT and isinstance(annotation, type) and issubclass(annotation, Spec)


def _in_major(value: Any, currency: str) -> Any:
    """A bound of the rule, in minor units, as people write it; what could not be read as it was typed."""
    if isinstance(value, dict):
        return value.get("typed", "")
    try:
        return plain_text(Decimal(str(value)), currency)
    except InvalidOperation:
        return value


def _in_minor(text: str, currency: str) -> Any:
    """What was typed as the rule has it; what is no amount is kept beside its currency, for the schema to refuse."""
    try:
        return str(to_minor(text, currency, may_be_negative=True)) if text else text
    except Refused:
        return {"typed": text, "currency": currency}


def first_value(field: Field, condition: type[Condition]) -> Any:
    """What a field holds in a condition just added: a sensible value where there is one."""
    choices = list(field.choices()) if field.choices else []
    # "Any event" stands first and is not what one most often means: it looks at everything that happened.
    first = next((choice.value for choice in choices if choice.value != ANY_EVENT), "")
    currency = field.currency({}) if field.currency else ""
    values: dict[FieldType, Any] = {
        FieldType.CHOICE: first,
        FieldType.EVENT: first,
        FieldType.SEGMENT: read_id(first) or "",
        FieldType.MULTI_CHOICE: [],
        FieldType.MONTHS: [],
        FieldType.PROPERTY_FILTERS: [],
        FieldType.BOOLEAN: True,
        FieldType.NUMBER: "",
        FieldType.TEXT: "",
        FieldType.INSTANT: "",
        FieldType.NUMBER_TEST: {"type": "number", "op": "gte", "value": _in_minor("1", currency) if currency else "1"},
        FieldType.VALUE_TEST: {"type": "text", "op": "is", "values": []},
        FieldType.DURATION: {"amount": 7, "unit": "days"},
        FieldType.WHEN: {"op": "within_last", "amount": 7, "unit": "days"},
        FieldType.WINDOW: {"op": "within_last", "amount": 30, "unit": "days"},
    }
    value = values[field.type]
    return {"event": value, "where": []} if is_step(condition, field) else value


def read(field: Field, condition: type[Condition], node: Json, data: QueryDict, name: str) -> Any:
    """The field's value as the form sent it; ``node`` has those read before it."""
    value = READERS[field.type](data, f"{name}.{field.name}")
    if field.currency and (currency := field.currency(node)):
        value = {key: _in_minor(part, currency) if key in BOUNDS else part for key, part in value.items()}
    return {"event": value, "where": []} if is_step(condition, field) else value


def _text(data: QueryDict, name: str) -> str:
    return data.get(name, "").strip()


def _list(data: QueryDict, name: str) -> list[str]:
    return [value for value in data.getlist(name) if value]


def _whole(data: QueryDict, name: str) -> Any:
    text = _text(data, name)
    number = read_number(text, most=10**18)
    return text if number is None else number


def _months(data: QueryDict, name: str) -> list[Any]:
    read = ((value, read_number(value, most=99)) for value in _list(data, name))
    return [value if month is None else month for value, month in read]


def _instant(data: QueryDict, name: str) -> str:
    """The wall clock the reader chose, as an instant with its offset."""
    text = _text(data, name)
    try:
        return make_aware(datetime.fromisoformat(text), get_current_timezone()).isoformat()
    except ValueError:
        return text


def wall_clock(instant: Any) -> str:
    """An instant as a ``datetime-local`` control wants it; unreadable ones as they stand."""
    try:
        return f"{localtime(datetime.fromisoformat(str(instant))):%Y-%m-%dT%H:%M}"
    except ValueError:
        return str(instant or "")


def _span(data: QueryDict, name: str) -> dict[str, Any]:
    return {"amount": _whole(data, f"{name}.amount"), "unit": _text(data, f"{name}.unit") or "days"}


def _when(data: QueryDict, name: str) -> dict[str, Any]:
    op = _text(data, f"{name}.op")
    if op in SPANNED:
        return {"op": op, **_span(data, name)}
    return {"op": op} if op in ("known", "unknown") else {"op": op, "date": _text(data, f"{name}.date")}


def _window(data: QueryDict, name: str) -> dict[str, Any]:
    op = _text(data, f"{name}.op")
    if op == "within_last":
        return {"op": op, **_span(data, name)}
    if op == "between":
        return {"op": op, "start": _instant(data, f"{name}.start"), "end": _instant(data, f"{name}.end")}
    return {"op": op}


def _bounds(data: QueryDict, name: str, kind: str) -> dict[str, Any]:
    op = _text(data, f"{name}.op")
    test = {"type": kind, "op": op, "value": _text(data, f"{name}.value")}
    return {**test, "until": _text(data, f"{name}.until")} if op == "between" else test


def _number_test(data: QueryDict, name: str) -> dict[str, Any]:
    return _bounds(data, name, "number")


def _value_test(data: QueryDict, name: str) -> dict[str, Any]:
    kind = _text(data, f"{name}.type")
    op = _text(data, f"{name}.op")
    if kind == "boolean":
        return {"type": kind, "value": _text(data, f"{name}.value") != "false"}
    if kind in ("number", "date"):
        known = NUMBER_OPS if kind == "number" else DATE_OPS
        # The kind was changed: the comparison of the one before means nothing here.
        return _bounds(data, name, kind) if op in known else {"type": kind, "op": next(iter(known)), "value": ""}
    if op not in TEXT_OPS:
        op = "is"
    words = [] if op in ("known", "unknown") else SEPARATORS.split(data.get(f"{name}.value", ""))
    return {"type": "text", "op": op, "values": [word.strip() for word in words if word.strip()]}


def _filters(data: QueryDict, name: str) -> list[dict[str, Any]]:
    rows = range(min(read_number(data.get(f"{name}.rows", ""), most=10**18) or 0, MAX_FILTERS))
    found = [
        {"name": _text(data, f"{name}.{row}.name"), "test": _value_test(data, f"{name}.{row}.test")} for row in rows
    ]
    return [item for item in found if item["name"]]


READERS: dict[FieldType, Read] = {
    FieldType.CHOICE: _text,
    FieldType.MULTI_CHOICE: _list,
    FieldType.BOOLEAN: lambda data, name: _text(data, name) == "true",
    FieldType.NUMBER: _text,
    FieldType.NUMBER_TEST: _number_test,
    FieldType.TEXT: _text,
    FieldType.VALUE_TEST: _value_test,
    FieldType.INSTANT: _instant,
    FieldType.MONTHS: _months,
    FieldType.DURATION: _span,
    FieldType.WHEN: _when,
    FieldType.WINDOW: _window,
    FieldType.EVENT: _text,
    FieldType.PROPERTY_FILTERS: _filters,
    FieldType.SEGMENT: _whole,
}


def chosen_words(shown: Input) -> str:
    """The chosen values of a list, in words, for the button that opens it."""
    labels = {choice.value: str(choice.label) for choice in shown.choices}
    return _(" or ").join(labels.get(value, value) for value in shown.chosen) or _("Choose …")
