"""Whom email and SMS reach, told to the segments: suppressed addresses and the channels' consent count here."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from campaigns.lifecycle import ChannelCode
from campaigns.models import Channel, Suppression
from members.models import Consent, Identity
from members.segments import reach


def register() -> None:
    """Called once, when the app is ready; replaces what members know by themselves."""
    reach.register(ChannelCode.EMAIL.value, ChannelCode.EMAIL.label, _reachable(ChannelCode.EMAIL, "email"))
    reach.register(ChannelCode.SMS.value, ChannelCode.SMS.label, _reachable(ChannelCode.SMS, "phone"))


def _reachable(channel: ChannelCode, identity: str) -> Callable[[datetime], Q]:
    def reachable(at: datetime) -> Q:
        suppressed = Suppression.objects.standing().filter(channel=channel, address=OuterRef("value"))
        addresses = Identity.objects.filter(member_id=OuterRef("pk"), kind=identity).exclude(Exists(suppressed))
        return Q(Exists(addresses)) & _consenting(channel)

    return reachable


def _consenting(channel: ChannelCode) -> Q:
    """Where silence means no, only members who said yes; else everybody who did not say no."""
    if Channel.objects.filter(pk=channel, default_consent=False).exists():
        said_yes = Consent.objects.filter(member_id=OuterRef("pk"), channel=channel, is_granted=True)
        return Q(Exists(said_yes))
    return reach.not_refused(channel)
