"""What becomes of the seats that a member lends, when their own terms change."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import ngettext

from entitlements.seats import querysets
from members.terms.consequences import CONSEQUENCES, Consequence, Effect


@dataclass(frozen=True)
class OwnedSeats:
    """Seats that the next pass over their owner ends, and those whose cover it lengthens or shortens."""

    ended: set[int]
    longer: set[int]
    shorter: set[int]


def register() -> None:
    """Called once, when the app is ready."""
    CONSEQUENCES.register(Consequence("seats", read, tell))


def read(member_id: int, at: datetime) -> OwnedSeats:
    """What ``follow_owner`` would find to do; not done here, for a team may be large."""
    ended = {row["seat_id"] for row in querysets.unfounded_seats(at, owner_id=member_id)}
    longer = {row["seat_id"] for row in querysets.lacking_cover(at, owner_id=member_id)}
    shorter = {row["seat_id"] for row in querysets.overlong_cover(at, owner_id=member_id)}
    return OwnedSeats(ended, longer - ended, shorter - longer - ended)


def tell(before: OwnedSeats, after: OwnedSeats) -> Iterator[Effect]:
    longer, shorter = len(after.longer - before.longer), len(after.shorter - before.shorter)
    if longer:
        text = ngettext("%(n)s lent seat goes on with it", "%(n)s lent seats go on with it", longer)
        yield Effect(text % {"n": longer}, True)
    if shorter:
        text = ngettext("Cover of %(n)s lent seat ends earlier", "Cover of %(n)s lent seats ends earlier", shorter)
        yield Effect(text % {"n": shorter}, False)
    if ended := len(after.ended - before.ended):
        yield Effect(ngettext("%(n)s lent seat ends", "%(n)s lent seats end", ended) % {"n": ended}, False)
