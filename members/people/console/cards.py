"""What other apps show on a member's page. Each registers its cards in its ``AppConfig.ready``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.engine.registry import Registry

# Reads what the template shows of a member at an instant; asked once, when her page is drawn.
Read = Callable[[int, datetime], Any]


@dataclass(frozen=True)
class Card:
    """One card: its template, which finds what was read under ``card``."""

    code: str
    template: str
    read: Read


@dataclass(frozen=True)
class Shown:
    """A card with what it shows of one member."""

    template: str
    content: Any


CARDS: Registry[Card] = Registry("member cards", code_of=lambda card: card.code)


def shown(member_id: int, at: datetime) -> list[Shown]:
    """Every registered card of a member, in order of registration."""
    return [Shown(card.template, card.read(member_id, at)) for card in CARDS]
