"""The cards of the first page. Each room registers its own in its ``hooks.py``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.engine.registry import Registry
from config.staff.access import Permission
from config.staff.models import User

# What a card shows the user at an instant; the last are the parameters of the page's address. None: nothing to show.
Read = Callable[[User, datetime, Mapping[str, str]], Any]


@dataclass(frozen=True)
class HomeCard:
    """One card: its template, which finds what was read under the card's code.

    A card stands in the column beside the work, else across the page; ``order`` says where among its like. A card whose
    template begins with an element of its code as id is swapped alone, when htmx has that element for target.
    """

    code: str
    order: int
    template: str
    read: Read
    is_wide: bool = False
    permission: Permission = Permission.VIEW


HOME: Registry[HomeCard] = Registry("home cards", code_of=lambda card: card.code)


def cards_for(user: User) -> list[HomeCard]:
    """The cards ``user`` may see, in their order."""
    return sorted((card for card in HOME if user.may(card.permission)), key=lambda card: card.order)
