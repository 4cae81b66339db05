"""The price of a renewal where an app above knows one that was agreed; it registers in its ``AppConfig.ready``."""

from collections.abc import Callable
from datetime import datetime

# (member, plan, instant) → cents, or None where nothing was agreed.
Agreed = Callable[[int, int, datetime], int | None]

_agreed: dict[str, Agreed] = {}


def register(code: str, agreed: Agreed) -> None:
    """Ask once more; a second time under the code replaces it."""
    _agreed[code] = agreed


def agreed_price(member_id: int, plan_id: int, at: datetime) -> int | None:
    """The lowest agreed price of a renewal with the plan, in cents; None where nothing was agreed."""
    prices = [price for ask in _agreed.values() if (price := ask(member_id, plan_id, at)) is not None]
    return min(prices, default=None)
