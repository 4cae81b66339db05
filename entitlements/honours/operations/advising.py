"""Members are given an adviser: one by one, or all who wait for one at once."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from config.audit.record import audit, audit_at_large
from config.engine.refusal import Refused
from config.staff.access import Permission
from config.staff.models import User
from entitlements.grants.models import Balance
from entitlements.honours.models import AdviserAssignment
from members.people.models import Member

MOST_ADVISERS = 200


def is_entitled(member_id: int) -> bool:
    """Whether a benefit gives the member an adviser, as her benefits were last settled."""
    return Balance.objects.showing("adviser").filter(member_id=member_id).exists()


def advisers() -> list[User]:
    """Colleagues who may look after members, by name."""
    found = User.objects.filter(is_active=True).order_by("username")
    return [user for user in found if user.may(Permission.OPERATE)]


@transaction.atomic
def assign_adviser(*, member_id: int, adviser_id: int, actor: User | None, at: datetime) -> AdviserAssignment:
    """Let a colleague look after a member from now on, in place of whoever did; returns the assignment.

    Raises Refused: ``member_gone``, ``not_entitled``, ``not_staff``. Safe to run concurrently: the last counts.
    """
    AdviserAssignment.objects.take_turns()
    member = Member.objects.select_for_update(no_key=True).filter(pk=member_id).first()
    if member is None:
        raise Refused("member_gone")
    adviser = User.objects.filter(pk=adviser_id).first()
    if adviser is None or not adviser.may(Permission.OPERATE):
        raise Refused("not_staff")
    if not is_entitled(member_id):
        raise Refused("not_entitled")
    before = _unended(member_id)
    if before and before.adviser_id == adviser_id:
        return before
    if before:
        _end(before, at)
    assignment = AdviserAssignment.objects.create(member=member, adviser=adviser, assigned_at=at, assigned_by=actor)
    audit(assignment, "adviser.assigned", actor=actor, at=at, adviser=adviser_id)
    return assignment


@transaction.atomic
def unassign_adviser(*, member_id: int, actor: User | None, at: datetime) -> AdviserAssignment:
    """Let nobody look after a member any more. Raises Refused(``none_assigned``)."""
    AdviserAssignment.objects.take_turns()
    before = _unended(member_id)
    if before is None:
        raise Refused("none_assigned")
    _end(before, at)
    audit(before, "adviser.unassigned", actor=actor, at=at, adviser=before.adviser_id)
    return before


@transaction.atomic
def spread_members(*, adviser_ids: Sequence[int], actor: User | None, at: datetime) -> dict[int, int]:
    """Give every entitled member without an adviser one of these, so that all have as many; how many each got.

    Raises Refused: ``nobody_chosen``, ``not_staff``. Safe to run concurrently: nobody gets two.
    """
    AdviserAssignment.objects.take_turns()
    chosen = list(User.objects.filter(pk__in=adviser_ids).order_by("pk"))
    if not chosen or len(chosen) > MOST_ADVISERS:
        raise Refused("nobody_chosen")
    if not all(user.may(Permission.OPERATE) for user in chosen):
        raise Refused("not_staff")
    AdviserAssignment.objects.end_absent(at)
    got = AdviserAssignment.objects.spread(
        advisers=[user.pk for user in chosen], actor_id=actor.pk if actor else None, at=at
    )
    by_adviser = {str(pk): got[pk] for pk in sorted(got)}
    audit_at_large("adviser.spread", actor=actor, at=at, members=sum(got.values()), advisers=by_adviser)
    return dict(got)


def _unended(member_id: int) -> AdviserAssignment | None:
    rows = AdviserAssignment.objects.select_for_update(of=("self",)).filter(member_id=member_id, ended_at__isnull=True)
    return rows.select_related("adviser").first()


def _end(assignment: AdviserAssignment, at: datetime) -> None:
    assignment.ended_at = max(at, assignment.assigned_at)
    assignment.save(update_fields=["ended_at"])
