"""What people decide about sending: stop and resume everything, settle a delivery nobody knows the outcome of."""

from datetime import datetime

from django.db import transaction

from campaigns.lifecycle import RESOLVE_FAILED, RESOLVE_SENT, Reason
from campaigns.models import Decision, DeliveryPolicy, MessageIntent
from config.audit.record import audit
from config.engine.moves import Move
from config.staff.models import User


@transaction.atomic
def stop_sending(*, actor: User, at: datetime, reason: str) -> bool:
    """Hold everything that is not on the wire yet; returns whether sending was running.

    In force for the next message of every worker. Planning, cancelling and expiring go on.
    """
    waiting = MessageIntent.objects.waiting().count()
    stopped = DeliveryPolicy.objects.filter(is_sending_stopped=False).update(
        is_sending_stopped=True, stopped_at=at, stopped_by=actor, stop_reason=reason
    )
    if stopped:
        policy = DeliveryPolicy.objects.get()
        audit(policy, "sending.stopped", actor=actor, at=at, reason=reason, waiting=waiting)
    return bool(stopped)


@transaction.atomic
def resume_sending(*, actor: User, at: datetime, reason: str) -> bool:
    """Let messages go again; what lost its meaning meanwhile expires instead. Returns whether sending was stopped."""
    resumed = DeliveryPolicy.objects.filter(is_sending_stopped=True).update(
        is_sending_stopped=False, stopped_at=None, stopped_by=None, stop_reason=""
    )
    if resumed:
        audit(DeliveryPolicy.objects.get(), "sending.resumed", actor=actor, at=at, reason=reason)
    return bool(resumed)


def resolve_as_sent(*, intent_id: int, actor: User, at: datetime, reason: str) -> bool:
    """An unknown delivery did arrive, somebody found out. Returns whether it was still unknown."""
    return _resolve(RESOLVE_SENT, intent_id, actor=actor, at=at, reason=reason)


def resolve_as_failed(*, intent_id: int, actor: User, at: datetime, reason: str) -> bool:
    """An unknown delivery did not arrive. It is not sent again. Returns whether it was still unknown."""
    return _resolve(RESOLVE_FAILED, intent_id, actor=actor, at=at, reason=reason)


@transaction.atomic
def _resolve(move: Move, intent_id: int, *, actor: User, at: datetime, reason: str) -> bool:
    rows = MessageIntent.objects.named([intent_id])
    if not rows.apply(move, reason=Reason.RESOLVED, finished_at=at):
        return False
    Decision.objects.create(intent_id=intent_id, at=at, move=move.name, reason=Reason.RESOLVED, actor=actor)
    audit(rows.get(), f"message.{move.name}", actor=actor, at=at, reason=reason)
    return True
