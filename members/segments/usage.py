"""Where a segment is used. A door: higher apps register what of theirs names segments."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.models import Segment


@dataclass(frozen=True)
class Use:
    """One thing that names a segment. ``is_live``: a change of the segment acts at once, so it is reviewed first."""

    label: str
    href: str = ""
    is_live: bool = False


FindUses = Callable[[int], Iterable[Use]]


@dataclass(frozen=True)
class User:
    """A sort of thing that can name segments."""

    code: str
    label: str | Promise
    find: FindUses


_users: dict[str, User] = {}


def register(code: str, label: str | Promise, find: FindUses) -> None:
    """``find(segment_id)`` names the uses of a segment; a second time under the code replaces it."""
    _users[code] = User(code, label, find)


def uses_of(segment_id: int) -> list[tuple[User, Use]]:
    """Everything that names the segment; while there is any it cannot be archived."""
    return [(user, use) for user in _users.values() for use in user.find(segment_id)]


def register_all() -> None:
    """Segments name segments."""
    register(
        "segment",
        _("Segments"),
        lambda segment_id: [Use(segment.name) for segment in Segment.objects.naming(segment_id).order_by("name")],
    )
