"""What two members say differently, and which of it stays when they become one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from members.people.models import Identity, Member

SURVIVOR, ABSORBED = "survivor", "absorbed"
PROFILE = ("display_name", "gender", "birthday_on", "city", "channel", "language", "registered_at")
# Of each of these a member goes by one at a time.
SINGLE_IDENTITIES = (Identity.Kind.EXTERNAL_ID, Identity.Kind.PHONE, Identity.Kind.EMAIL)
ATTRIBUTE = "attributes."


@dataclass(frozen=True)
class Difference:
    """A field in which the two differ; ``usual`` says whose value stays where nobody chose."""

    key: str
    survivor: Any
    absorbed: Any
    usual: str

    def chosen(self, choices: Mapping[str, str]) -> str:
        choice = choices.get(self.key, self.usual)
        return choice if choice in (SURVIVOR, ABSORBED) else self.usual


def differences(survivor: Member, absorbed: Member) -> list[Difference]:
    """The fields in which two standing members differ: profile, time zone, identities, attributes.

    A value stays rather than none; else the survivor's, and of two registrations the earlier.
    """
    ours, theirs = dict(_values(survivor)), dict(_values(absorbed))
    return [
        Difference(key, ours.get(key), theirs.get(key), _usual(key, ours.get(key), theirs.get(key)))
        for key in ours | theirs
        if (_is_said(ours.get(key)) or _is_said(theirs.get(key))) and ours.get(key) != theirs.get(key)
    ]


def _values(member: Member) -> Iterator[tuple[str, Any]]:
    for name in PROFILE:
        yield name, getattr(member, name)
    yield "time_zone", member.lifecycle.time_zone
    current = {identity.kind: identity.value for identity in member.identities.all()}
    for kind in SINGLE_IDENTITIES:
        yield kind.value, current.get(kind.value)
    for name, value in member.attributes.items():
        yield ATTRIBUTE + name, value


def _is_said(value: Any) -> bool:
    return value not in (None, "")


def _usual(key: str, ours: Any, theirs: Any) -> str:
    if not _is_said(ours):
        return ABSORBED
    if not _is_said(theirs):
        return SURVIVOR
    return ABSORBED if key == "registered_at" and theirs < ours else SURVIVOR
