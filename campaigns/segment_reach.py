"""Whom each channel reaches, told to the segments: suppressed addresses and the channels' consent count here."""

from functools import partial

from django.db.models import F, Q
from django.db.models.lookups import In

from campaigns.lifecycle import ChannelCode
from campaigns.models import Channel, Suppression
from members.segments import reach
from members.segments.reach import REACHES, Reach


def register() -> None:
    """Called once, when the app is ready."""
    for channel, kind in ((ChannelCode.EMAIL, "email"), (ChannelCode.SMS, "phone")):
        joins = partial(reach.address_and_consent, kind, channel)
        REACHES.register(Reach(channel.value, channel.label, joins, partial(_reachable, kind, channel)))
    inbox = ChannelCode.IN_APP
    joins = partial(reach.consent, inbox)
    REACHES.register(Reach(inbox.value, inbox.label, joins, partial(reach.not_refused, inbox)))


def _reachable(kind: str, channel: ChannelCode) -> Q:
    suppressed = Suppression.objects.standing().filter(channel=channel).order_by().values("address")
    return reach.has_address(kind) & ~Q(In(F(f"{kind}_address__value"), suppressed)) & _consenting(channel)


def _consenting(channel: ChannelCode) -> Q:
    """Where silence means no, only members who said yes; else everybody who did not say no."""
    if Channel.objects.filter(pk=channel, default_consent=False).exists():
        return reach.agreed(channel)
    return reach.not_refused(channel)
