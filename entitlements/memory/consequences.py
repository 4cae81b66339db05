"""The price lock that a verb of terms uses up or ends."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from config.engine.money import money_text
from entitlements.memory.models import RenewalLock
from entitlements.memory.operations.locking import locked_price
from members.terms.consequences import CONSEQUENCES, Consequence, Effect


def register() -> None:
    """Called once, when the app is ready."""
    CONSEQUENCES.register(Consequence("price_lock", read, tell))


def read(member_id: int, at: datetime) -> str:
    """The price that waits for the member's renewal, in words; empty without one."""
    locks = RenewalLock.objects.waiting(at).filter(member_id=member_id, term__plan__isnull=False)
    lock = locks.select_related("term__plan").order_by("-locked_at").first()
    price = locked_price(member_id, lock.term.plan_id, at) if lock else None
    return "" if lock is None or price is None else money_text(price, lock.term.plan.currency)


def tell(before: str, after: str) -> Iterator[Effect]:
    if before and not after:
        yield Effect(_("The price locked for the renewal is used up"), False, (before,))
    if after and not before:
        yield Effect(_("The price locked for the renewal holds again"), True, (after,))
