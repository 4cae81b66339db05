"""A member's own word that she wants no more email (RFC 8058)."""

from datetime import datetime

from django.db import transaction

from campaigns.lifecycle import ChannelCode
from campaigns.models import MessageIntent, Suppression
from config.audit.record import audit
from members.people.models import Consent, Identity


@transaction.atomic
def unsubscribe(*, intent_id: int, at: datetime) -> bool:
    """Withdraw the consent for email of the member a message went to, and suppress her address.

    Returns whether anything changed; again it changes nothing. Raises MessageIntent.DoesNotExist. What is already
    planned is suppressed when it is claimed. Safe to run concurrently.
    """
    intent = MessageIntent.objects.get(pk=intent_id)
    consent, is_new = Consent.objects.select_for_update().get_or_create(
        member_id=intent.member_id,
        channel=ChannelCode.EMAIL,
        defaults={"is_granted": False, "changed_at": at, "source": "unsubscribe"},
    )
    changed = is_new or consent.is_granted
    if consent.is_granted:
        consent.is_granted, consent.changed_at, consent.source = False, at, "unsubscribe"
        consent.save(update_fields=["is_granted", "changed_at", "source"])
    address = Identity.objects.filter(member_id=intent.member_id, kind=Identity.Kind.EMAIL).first()
    if address is not None:
        changed |= Suppression.objects.suppress(
            channel=ChannelCode.EMAIL, address=address.value, cause=Suppression.Cause.UNSUBSCRIBED, at=at
        )
    if changed:
        audit(intent, "consent.withdrawn", actor=None, at=at, channel=ChannelCode.EMAIL)
    return changed
