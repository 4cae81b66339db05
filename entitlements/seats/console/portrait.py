"""A member's seats as her page shows them: those she gives, and the one she holds."""

from datetime import datetime
from functools import cached_property
from typing import Any

from entitlements.seats.console.forms import GiveForm
from entitlements.seats.models import Seat
from entitlements.seats.owners import running_terms
from members.people.console.cards import CARDS, Card

SHOWN = 8


def register() -> None:
    """Called once, when the app is ready."""
    CARDS.register(Card("seats", "seats/includes/card.html", MemberSeats))


class MemberSeats:
    """Reads each part once, when the page asks for it."""

    def __init__(self, member_id: int, at: datetime) -> None:
        self.member_id, self.at = member_id, at

    @cached_property
    def running(self) -> Any:
        """Her running term with the seats it brings; None where it brings none."""
        return running_terms(self.at).filter(member_id=self.member_id).select_related("plan__seat_plan").first()

    @cached_property
    def held(self) -> Seat | None:
        """The seat she holds."""
        return Seat.objects.open().filter(member_id=self.member_id).select_related("group__member").first()

    @cached_property
    def given(self) -> list[Seat]:
        """The seats of hers that are held, the last given first."""
        rows = Seat.objects.open().of_owner(self.member_id).select_related("member")
        return list(rows.behind(None)[: SHOWN + 1])

    @property
    def shown(self) -> list[Seat]:
        return self.given[:SHOWN]

    @property
    def has_more(self) -> bool:
        return len(self.given) > SHOWN

    @property
    def form(self) -> GiveForm:
        return GiveForm(owner_id=self.member_id, auto_id="seat_%s")
