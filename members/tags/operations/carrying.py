"""Tags given to a member and taken from her by hand."""

from datetime import datetime

from django.db import IntegrityError, transaction

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from members.people.models import Member
from members.tags.models import MemberTag, Tag
from members.tags.operations.saving import locked


@transaction.atomic
def give_tag(*, member_id: int, tag_id: int, actor: User, at: datetime, reason: str = "") -> MemberTag:
    """Let a member carry a tag until somebody takes it from her, whatever the rule says. Raises Refused."""
    tag = locked(tag_id)
    if not Tag.objects.given_by_hand().filter(pk=tag.pk).exists():
        raise Refused("not_by_hand")
    member = Member.objects.get(pk=member_id)
    try:
        with transaction.atomic():
            carry = MemberTag.objects.create(
                member=member, code=tag.code, since=at, cause=MemberTag.Cause.HAND, evidence={"reason": reason}
            )
    except IntegrityError:
        raise Refused("carried") from None
    audit(tag, "tag.given", actor=actor, at=at, reason=reason, member_id=member_id, tag=tag.code)
    return carry


@transaction.atomic
def take_tag(*, member_id: int, tag_id: int, actor: User, at: datetime, reason: str = "") -> None:
    """End what was given by hand. Raises Refused for what a rule or the engine gives: it would be back at once."""
    tag = locked(tag_id)
    own = MemberTag.objects.current().filter(member_id=member_id, code=tag.code, cause=MemberTag.Cause.HAND)
    if not own.update(until=at, until_cause=MemberTag.Cause.HAND):
        raise Refused("not_given_by_hand")
    audit(tag, "tag.taken", actor=actor, at=at, reason=reason, member_id=member_id, tag=tag.code)
