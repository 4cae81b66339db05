"""What other apps show on a member's page. Each registers its cards in its ``AppConfig.ready``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


_cards: dict[str, Card] = {}


def register(code: str, template: str, read: Read) -> None:
    """Add a card to every member's page; a second time under the code replaces it."""
    _cards[code] = Card(code, template, read)


def shown(member_id: int, at: datetime) -> list[Shown]:
    """Every registered card of a member, in order of registration."""
    return [Shown(card.template, card.read(member_id, at)) for card in _cards.values()]
