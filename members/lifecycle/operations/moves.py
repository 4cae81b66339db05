"""The single-object executor: one member judged now and moved by django-fsm, for a person who asks for it."""

from datetime import datetime

from django.db import transaction
from django_fsm import TransitionNotAllowed, can_proceed

from config.engine.moves import Move
from config.staff.models import User
from members.lifecycle.lifecycle import moves_between
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.lifecycle.operations.sweep import active_policy, explain


@transaction.atomic
def move_member(*, member_id: int, at: datetime, actor: User | None) -> LifecycleTransition | None:
    """Judge one member at ``at`` and make the move the engine computes; returns its log row, or None if none is due.

    Locks the row, checks guard and permission through django-fsm, logs, then saves only what changed. Raises
    TransitionNotAllowed when the computed state cannot be reached, PermissionDenied's cousin of django-fsm included.
    """
    row = MemberLifecycle.objects.select_for_update().get(member_id=member_id)
    judged = explain(member_ids=[member_id], at=at)[0]
    row.target_state, row.target_rule = judged.target, judged.rule
    if judged.target == row.lifecycle_state:
        return None
    move = choose_move(row, actor)
    source = row.lifecycle_state
    getattr(row, move.name)()
    entry = LifecycleTransition.objects.create(
        member_id=member_id, from_state=source, to_state=row.lifecycle_state, move=move.name, rule=judged.rule,
        policy=active_policy(), effective_at=at, recorded_at=at, facts=judged.facts, actor=actor,
    )  # fmt: skip
    row.transition_id, row.state_since, row.next_due_at = entry.pk, at, at
    row.save(
        update_fields=["lifecycle_state", "target_state", "target_rule", "transition_id", "state_since", "next_due_at"]
    )
    return entry


def choose_move(row: MemberLifecycle, actor: User | None) -> Move:
    """The first declared move to the row's computed state whose guard holds and that ``actor`` may make."""
    for move in moves_between(row.lifecycle_state, str(row.target_state)):
        method = getattr(row, move.name)
        if can_proceed(method) and (actor is None or actor.may(move.permission)):
            return move
    raise TransitionNotAllowed(f"{row.lifecycle_state} → {row.target_state}", object=row)
