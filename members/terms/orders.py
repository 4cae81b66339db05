"""Numbers of orders: what programs, files and people book has theirs, and what the house books itself has its own."""

from django.core.exceptions import ValidationError

from members.terms.words import REFUSALS

HOUSE = "house:"


def house_order(*parts: object) -> str:
    """The number of an order of the house, such as ``house:seat:3:17``; nobody else can have it."""
    return HOUSE + ":".join(str(part) for part in parts)


def is_house_order(number: str) -> bool:
    """Whether the number is among those that only the house may make."""
    return number.startswith(HOUSE)


def refuse_house_order(number: str) -> None:
    """A validator of what people and programs type. Raises ValidationError."""
    if is_house_order(number):
        raise ValidationError(str(REFUSALS["order_reserved"]), code="order_reserved")
