"""The price of a renewal where an app above knows one that was agreed; it registers in its ``AppConfig.ready``."""

from collections.abc import Callable
from datetime import datetime

from config.engine.registry import Registry

# (member, plan, instant) → cents, or None where nothing was agreed.
Agreed = Callable[[int, int, datetime], int | None]

AGREED_PRICES: Registry[Agreed] = Registry("agreed prices")


def agreed_price(member_id: int, plan_id: int, at: datetime) -> int | None:
    """The lowest agreed price of a renewal with the plan, in cents; None where nothing was agreed."""
    prices = [price for ask in AGREED_PRICES if (price := ask(member_id, plan_id, at)) is not None]
    return min(prices, default=None)
