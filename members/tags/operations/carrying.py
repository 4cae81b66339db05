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
    """Let a member carry a tag until somebody takes it back, whatever the rule says. Raises Refused.

    A tag that the rule or the engine gave already is kept by hand from then on too. Refused: ``not_by_hand``,
    ``carried`` when a person gave it already.
    """
    tag = locked(tag_id)
    if not Tag.objects.given_by_hand().filter(pk=tag.pk).exists():
        raise Refused("not_by_hand")
    member = Member.objects.get(pk=member_id)
    carry = _given_new(member, tag, at, reason) or _kept_too(member, tag, at, reason)
    audit(tag, "tag.given", actor=actor, at=at, reason=reason, member_id=member_id, tag=tag.code)
    return carry


def _given_new(member: Member, tag: Tag, at: datetime, reason: str) -> MemberTag | None:
    """The tag begun by hand; None when the member carries it already."""
    try:
        with transaction.atomic():
            return MemberTag.objects.create(
                member=member, code=tag.code, since=at, cause=MemberTag.Cause.HAND, given_at=at, said_by=[],
                evidence={"reason": reason},
            )  # fmt: skip
    except IntegrityError:
        return None


def _kept_too(member: Member, tag: Tag, at: datetime, reason: str) -> MemberTag:
    carry = MemberTag.objects.current().select_for_update().get(member=member, code=tag.code)
    if carry.given_at is not None:
        raise Refused("carried")
    carry.given_at, carry.evidence = at, {**carry.evidence, "reason": reason}
    carry.save(update_fields=["given_at", "evidence"])
    return carry


@transaction.atomic
def take_tag(*, member_id: int, tag_id: int, actor: User, at: datetime, reason: str = "") -> None:
    """Take back what was given by hand; a tag that a rule or the engine says too is carried on. Raises Refused."""
    tag = locked(tag_id)
    own = MemberTag.objects.current().filter(member_id=member_id, code=tag.code)
    if not own.take_hand_back(at, cause=MemberTag.Cause.HAND):
        raise Refused("not_given_by_hand")
    audit(tag, "tag.taken", actor=actor, at=at, reason=reason, member_id=member_id, tag=tag.code)
