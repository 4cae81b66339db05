"""Where a segment is used. A door: higher apps register what of theirs names segments."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.engine.naming import name_of
from config.engine.registry import Registry
from members.segments.models import Segment


@dataclass(frozen=True)
class Use:
    """One thing that names a segment. ``is_live``: a change of the segment acts at once, so it is reviewed first."""

    label: str
    href: str = ""
    is_live: bool = False


FindUses = Callable[[int], Iterable[Use]]


@dataclass(frozen=True)
class User:
    """A sort of thing that can name segments; ``find(segment_id)`` gives those that do."""

    code: str
    label: str | Promise
    find: FindUses


USERS: Registry[User] = Registry("users of segments", code_of=lambda user: user.code)


def uses_of(segment_id: int) -> list[tuple[User, Use]]:
    """Everything that names the segment; while there is any it cannot be archived."""
    return [(user, use) for user in USERS for use in user.find(segment_id)]


def live_uses_of(segment_id: int) -> list[tuple[User, Use]]:
    """What acts at once when the segment changes, so that a change is reviewed first."""
    return [(user, use) for user, use in uses_of(segment_id) if use.is_live]


def register_all() -> None:
    """Segments name segments."""
    USERS.register(User("segment", _("Segments"), _naming_segments))


def _naming_segments(segment_id: int) -> list[Use]:
    """Live segments whose rule reads this one follow it at the next refresh."""
    found = Segment.objects.naming(segment_id).order_by("name")
    return [Use(name_of(s), reverse("segments:detail", args=[s.pk]), is_live=True) for s in found]
