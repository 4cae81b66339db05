"""Showing personal data in full is an act of its own: it leaves an audit row."""

from datetime import datetime

from django.db import transaction

from config.audit.record import audit
from config.staff.models import User
from members.people.models import Identity, Member


@transaction.atomic
def reveal_identities(*, member_id: int, actor: User, at: datetime) -> dict[str, str]:
    """A member's identities in full by kind; audits who looked and at which kinds, never the values."""
    identities = dict(Identity.objects.filter(member_id=member_id).order_by("kind").values_list("kind", "value"))
    audit(Member(pk=member_id), "member.revealed", actor=actor, at=at, kinds=sorted(identities))
    return identities
