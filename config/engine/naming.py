"""What plans, tiers and events are called in the reader's language."""

from collections.abc import Mapping
from typing import Protocol

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import get_language, override


class Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def name_zh(self) -> str: ...


def name_of(thing: Named | None) -> str:
    """The Chinese name for Chinese readers where there is one, else the plain name; empty for None."""
    if thing is None:
        return ""
    return (in_chinese() and thing.name_zh) or thing.name


class Labelled(Protocol):
    name: str
    label: str
    label_zh: str


def event_label(event: Labelled) -> str:
    """What an event is called for the reader: its label, else the name it is sent under."""
    return (in_chinese() and event.label_zh) or event.label or event.name


def in_every_language(text: str | Promise) -> dict[str, str]:
    """What ``text`` says in each language by its code, to be kept for readers who are not known yet."""
    said = {}
    for code, _language in settings.LANGUAGES:
        with override(code):
            said[code] = str(text)
    return said


def in_this_language(kept: str | Mapping[str, str]) -> str:
    """What ``in_every_language`` kept, for the reader; plain text that was kept before stays as it is."""
    if isinstance(kept, str):
        return kept
    return kept.get(get_language() or "") or kept[settings.LANGUAGE_CODE]


def in_chinese() -> bool:
    return (get_language() or "").startswith("zh")
