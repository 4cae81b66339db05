"""What plans, tiers and events are called in the reader's language."""

from typing import Protocol

from django.utils.translation import get_language


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


def in_chinese() -> bool:
    return (get_language() or "").startswith("zh")
