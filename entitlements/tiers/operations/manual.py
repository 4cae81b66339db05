"""Tiers given by hand, with a reason and an end, and taken back."""

from datetime import datetime

from django.db import transaction

from config.audit.record import audit
from config.staff.models import User
from entitlements.tiers.models import ManualTier
from entitlements.tiers.operations.assessing import catch_up
from members.people.models import Member


@transaction.atomic
def give_tier(
    *, member_id: int, tier_id: int, reason: str, until: datetime | None, actor: User, at: datetime
) -> ManualTier:
    """Give a tier until an instant (None: for good); it replaces one given before. A higher one she has stays."""
    # Facts that are noted meanwhile name the member by a key, and need not wait.
    member = Member.objects.select_for_update(no_key=True).get(pk=member_id)
    _end(member_id, actor=actor, at=at)
    given = ManualTier.objects.create(
        member_id=member_id, tier_id=tier_id, since=at, until=until, reason=reason, set_by=actor
    )
    catch_up(member_ids=[member_id], at=at, actor=actor)
    ends = until.isoformat() if until else None
    audit(member, "tier.given", actor=actor, at=at, reason=reason, tier=tier_id, until=ends)
    return given


@transaction.atomic
def take_tier_back(*, member_id: int, reason: str, actor: User, at: datetime) -> bool:
    """Take the tier given by hand back; False when there is none (any more)."""
    # Facts that are noted meanwhile name the member by a key, and need not wait.
    member = Member.objects.select_for_update(no_key=True).get(pk=member_id)
    if not _end(member_id, actor=actor, at=at):
        return False
    catch_up(member_ids=[member_id], at=at, actor=actor)
    audit(member, "tier.taken_back", actor=actor, at=at, reason=reason)
    return True


def _end(member_id: int, *, actor: User, at: datetime) -> int:
    current = ManualTier.objects.filter(member_id=member_id, ended_at__isnull=True)
    return current.update(ended_at=at, ended_by=actor)
