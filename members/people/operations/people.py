"""Members come into being and are corrected here; the lifecycle engine places them."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from config.audit.record import audit
from config.staff.models import User
from members.people.followers import FOLLOWERS
from members.people.models import Identity, Member
from members.people.rules import normalise_identity


@transaction.atomic
def create_member(
    *,
    actor: User | None,
    at: datetime,
    display_name: str = "",
    identities: Mapping[str, str] | None = None,
    time_zone: str = "",
    is_demo: bool = False,
    **profile: str | date | datetime | None,
) -> Member:
    """Create a member with their identities; the followers place them and take what was parked. Returns the member.

    ``identities`` maps ``Identity.Kind`` to a raw value, normalised here. ``profile`` names further Member fields.
    Raises IntegrityError when an identity belongs to someone else already.
    """
    member = Member.objects.create(
        display_name=display_name, is_demo=is_demo, created_at=at, updated_at=at, **_profile(profile)
    )
    Identity.objects.bulk_create(
        Identity(member=member, kind=kind, value=normalise_identity(kind, value), created_at=at)
        for kind, value in (identities or {}).items()
        if value
    )
    for follower in FOLLOWERS:
        follower.created(member.pk, time_zone=time_zone, at=at)
    audit(member, "member.created", actor=actor, at=at)
    return member


@transaction.atomic
def edit_member(
    *,
    member_id: int,
    actor: User | None,
    at: datetime,
    identities: Mapping[str, str] | None = None,
    time_zone: str | None = None,
    **profile: str | date | datetime | None,
) -> Member:
    """Correct a member's profile and identities; an empty identity removes it.

    Audits which fields changed, not their values. What a program says later about a changed field counts; what it
    said earlier and comes in late does not.
    """
    member = Member.objects.select_for_update().get(pk=member_id)
    changed = sorted(name for name, value in profile.items() if getattr(member, name) != value)
    for name, value in _profile(profile).items():
        setattr(member, name, value)
    member.updated_at = at
    member.save(update_fields=[*profile, "updated_at"])
    for kind, value in (identities or {}).items():
        changed += _set_identity(member, kind, value, at)
    fields = tuple(changed)
    for follower in FOLLOWERS:
        changed += follower.edited(member_id, fields=fields, time_zone=time_zone, at=at)
    audit(member, "member.edited", actor=actor, at=at, fields=changed)
    return member


def _profile(values: Mapping[str, Any]) -> Mapping[str, Any]:
    known = {"language", "gender", "birthday_on", "city", "channel", "registered_at", "display_name", "attributes"}
    if unknown := set(values) - known:
        raise TypeError(f"not a profile field: {', '.join(sorted(unknown))}")
    return values


def _set_identity(member: Member, kind: str, value: str, at: datetime) -> list[str]:
    wanted = normalise_identity(kind, value)
    current = Identity.objects.filter(member=member, kind=kind)
    if (current.values_list("value", flat=True).first() or "") == wanted:
        return []
    current.delete()
    if wanted and not Identity.every.filter(member=member, kind=kind, value=wanted).update(is_former=False):
        Identity.objects.create(member=member, kind=kind, value=wanted, created_at=at)
    return [kind]
