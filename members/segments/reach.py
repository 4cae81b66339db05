"""Which members each channel reaches. A door: a higher app that knows more replaces a channel under its code.

What is registered here holds without one: an address or number, and no refusal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.models import Consent, Identity

Reachable = Callable[[datetime], Q]


@dataclass(frozen=True)
class Reach:
    """A channel and the members it reaches, as a ``Q`` on the Member queryset."""

    code: str
    label: str | Promise
    reachable: Reachable


_reaches: dict[str, Reach] = {}


def register(code: str, label: str | Promise, reachable: Reachable) -> None:
    """Count a channel in every segment; a second time under the code replaces it."""
    _reaches[code] = Reach(code, label, reachable)


def reaches() -> list[Reach]:
    """The channels, in order of registration."""
    return list(_reaches.values())


def not_refused(channel: str) -> Q:
    """Members who did not say no to a channel."""
    return ~Q(Exists(Consent.objects.filter(member_id=OuterRef("pk"), channel=channel, is_granted=False)))


def has_identity(kind: str) -> Q:
    """Members with an identity of a kind."""
    return Q(Exists(Identity.objects.filter(member_id=OuterRef("pk"), kind=kind)))


def register_all() -> None:
    """The channels that need nothing but what members know."""
    register("email", _("Email"), lambda at: has_identity("email") & not_refused("email"))
    register("sms", _("SMS"), lambda at: has_identity("phone") & not_refused("sms"))
    register("in_app", _("In-app"), lambda at: not_refused("in_app"))
