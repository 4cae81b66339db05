"""Which members each channel reaches. A door: a higher app that knows more replaces a channel under its code.

What is registered here holds without one: an address or number, and no refusal.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from django.db.models import FilteredRelation, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.people.querysets.people import MemberQuerySet

Joins = dict[str, FilteredRelation]


@dataclass(frozen=True)
class Reach:
    """A channel and the members it reaches.

    ``joins`` makes the relations, of at most one row a member, that the ``Q`` of ``reachable`` reads by their names:
    joined once for all channels, where subqueries would be asked anew for each member and channel.
    """

    code: str
    label: str | Promise
    joins: Callable[[], Joins]
    reachable: Callable[[], Q]


_reaches: dict[str, Reach] = {}


def register(reach: Reach) -> None:
    """Count a channel in every segment; a second time under its code replaces it."""
    _reaches[reach.code] = reach


def reaches() -> list[Reach]:
    """The channels, in order of registration."""
    return list(_reaches.values())


def joined(members: MemberQuerySet, known: Iterable[Reach]) -> MemberQuerySet:
    """The members with what ``reachable`` of these channels reads."""
    return members.annotate(**{name: relation for reach in known for name, relation in reach.joins().items()})


def address(kind: str) -> Joins:
    """The address or number of a kind, as ``<kind>_address``; a member has one at most that is not a former one."""
    return {
        f"{kind}_address": FilteredRelation(
            "identities", condition=Q(identities__kind=kind, identities__is_former=False)
        )
    }


def consent(channel: str) -> Joins:
    """What a member said last about a channel, as ``<channel>_consent``."""
    return {f"{channel}_consent": FilteredRelation("consents", condition=Q(consents__channel=channel))}


def address_and_consent(kind: str, channel: str) -> Joins:
    return address(kind) | consent(channel)


def has_address(kind: str) -> Q:
    return Q(**{f"{kind}_address__isnull": False})


def agreed(channel: str) -> Q:
    """Members who said yes to a channel."""
    return Q(**{f"{channel}_consent__is_granted": True})


def not_refused(channel: str) -> Q:
    """Members who did not say no to a channel."""
    return Q(**{f"{channel}_consent__isnull": True}) | agreed(channel)


def register_all() -> None:
    """The channels that need nothing but what members know."""
    for code, label, kind in (("email", _("Email"), "email"), ("sms", _("SMS"), "phone")):
        register(Reach(code, label, partial(address_and_consent, kind, code), partial(_at_address, kind, code)))
    register(Reach("in_app", _("In-app"), partial(consent, "in_app"), partial(not_refused, "in_app")))


def _at_address(kind: str, channel: str) -> Q:
    return has_address(kind) & not_refused(channel)
