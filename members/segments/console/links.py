"""The members list narrowed to what a segment page counts: the addresses, and how the list names them."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from config.engine.ids import read_id
from config.engine.naming import name_of
from members.people.console.links import members_list
from members.segments.dimensions import narrowing_of
from members.segments.models import Segment

PARAMETERS = ("segment", "segments", "was_in", "by", "rule")


def combination(inside: Iterable[int], outside: Iterable[int] = ()) -> str:
    """Members in all of the first segments and none of the others."""
    return members_list(segments="~".join(".".join(map(str, sorted(ids))) for ids in (inside, outside)).rstrip("~"))


def at_day(segment_id: int, day: date) -> str:
    """Members who were in the segment at the end of a day."""
    return members_list(was_in=f"{segment_id}.{day.isoformat()}")


def with_value(code: str, value: str, **parameters: str) -> str:
    """Members with a value of a dimension."""
    return members_list(by=f"{code}.{value}", **parameters)


def words_of(params: QueryDict) -> list[tuple[str, str]]:
    """(parameter, what it narrows the list to) for those of ours in the list's address."""
    asked = {name: str(params[name]) for name in PARAMETERS if params.get(name)}
    if not asked:
        return []
    names = _names(asked)
    return [(name, _WORDS[name](value, names)) for name, value in asked.items()]


def _names(asked: dict[str, str]) -> dict[str, str]:
    parts = f"{asked.get('segment', '')}.{asked.get('segments', '')}.{asked.get('was_in', '').partition('.')[0]}"
    ids = {pk for text in parts.replace("~", ".").split(".") if (pk := read_id(text))}
    return {str(found.pk): name_of(found) for found in Segment.objects.filter(pk__in=ids)}


def _combination_words(value: str, names: dict[str, str]) -> str:
    inside, _sign, outside = value.partition("~")
    words = _(" and ").join(names.get(text, text) for text in inside.split("."))
    without = _(" or ").join(names.get(text, text) for text in outside.split(".") if text)
    return _("%(words)s, without %(others)s") % {"words": words, "others": without} if without else words


def _value_words(value: str, names: dict[str, str]) -> str:
    code, _sign, wanted = value.partition(".")
    narrowing = narrowing_of(code)
    if narrowing is None:
        return value
    shown = narrowing.word(wanted) or _("Not known")
    return _("%(name)s: %(value)s") % {"name": narrowing.label, "value": shown}


def _then_words(value: str, names: dict[str, str]) -> str:
    segment_id, _sign, day = value.partition(".")
    return _("%(name)s at the end of %(day)s") % {"name": names.get(segment_id, segment_id), "day": day}


_WORDS: dict[str, Any] = {
    "segment": lambda value, names: names.get(value, value),
    "segments": _combination_words,
    "was_in": _then_words,
    "by": _value_words,
    "rule": lambda value, names: _("A rule not saved"),
}
