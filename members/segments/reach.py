"""Which members each channel reaches. The app that sends registers its channels, made of the pieces that stand here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import FilteredRelation, Q
from django.utils.functional import Promise

from config.engine.registry import Registry
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


REACHES: Registry[Reach] = Registry("reaches", code_of=lambda reach: reach.code)


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
