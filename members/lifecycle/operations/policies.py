"""A lifecycle policy's way into force: proposed, previewed, submitted, approved by a second person, rolled out."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from config.audit.record import audit
from config.engine import reviewed
from config.engine.reviewed import Status
from config.staff.models import User
from members.lifecycle.models import LifecyclePolicy, MemberLifecycle
from members.lifecycle.operations.sweep import active_policy, catch_up, simulate
from members.lifecycle.policy_effects import effects_of
from members.plans.grace import say_grace_changed

THRESHOLDS = (
    "expiring_window_days", "expiring_fraction", "silent_days", "tenure_days", "stable_active_weeks",
    "stable_of_weeks", "active_days_enter", "active_days_keep", "active_window_days", "churn_after_days",
    "grace_days", "settlement_hours", "brake_percent", "brake_floor",
)  # fmt: skip

# Members judged in one transaction of a roll-out: as many as a sweep takes, so that locks are released as soon.
BATCH = 50_000


@transaction.atomic
def propose_policy(*, actor: User, at: datetime, note: str, **thresholds: Any) -> LifecyclePolicy:
    """Write a draft with the next version number; thresholds that are not named are those in force."""
    _check(thresholds)
    # The one active row is the turnstile: two proposals at once get different numbers.
    current = LifecyclePolicy.objects.select_for_update().get(status=Status.ACTIVE)
    newest = LifecyclePolicy.objects.aggregate(newest=Max("version"))["newest"]
    draft = LifecyclePolicy.objects.create(
        version=newest + 1, note=note, created_at=at, created_by=actor,
        **{name: thresholds.get(name, getattr(current, name)) for name in THRESHOLDS},
    )  # fmt: skip
    audit(draft, "policy.proposed", actor=actor, at=at, version=draft.version, changes=changes(current, draft))
    return draft


@transaction.atomic
def revise_policy(*, policy_id: int, actor: User, at: datetime, note: str, **thresholds: Any) -> LifecyclePolicy:
    """Change a draft; its preview is void. Raises Refused when it is no draft any more."""
    _check(thresholds)
    draft = reviewed.locked(LifecyclePolicy, policy_id, Status.DRAFT)
    for name, value in thresholds.items():
        setattr(draft, name, value)
    draft.note, draft.preview, draft.previewed_at = note, None, None
    draft.save(update_fields=[*thresholds, "note", "preview", "previewed_at"])
    changed = changes(active_policy(), draft)
    audit(draft, "policy.revised", actor=actor, at=at, version=draft.version, changes=changed)
    return draft


def preview_policy(*, policy_id: int, at: datetime) -> LifecyclePolicy:
    """Judge every member on copies under the draft and keep the matrix of who would move; returns the policy.

    Takes seconds per hundred thousand members and locks nobody. A draft changed meanwhile keeps no preview.
    """
    draft = LifecyclePolicy.objects.get(pk=policy_id)
    result = simulate(at=at, policy=draft, judge_all=True)
    moves = {key: n for key, n in result.moves.items() if key[0] is not None}
    effects = effects_of(result.moves, at)
    preview = {
        "base": MemberLifecycle.objects.placed().count(),
        "moves": [{"from": source, "to": target, "members": n} for (source, target), n in moves.items()],
        "messages": [{"label": str(effect.label), "count": effect.count} for effect in effects],
        "under": active_policy().version,
    }
    unchanged = {name: getattr(draft, name) for name in THRESHOLDS}
    LifecyclePolicy.objects.filter(pk=policy_id, **unchanged).update(preview=preview, previewed_at=at)
    draft.refresh_from_db(fields=["preview", "previewed_at"])
    return draft


@transaction.atomic
def submit_policy(*, policy_id: int, actor: User, at: datetime) -> LifecyclePolicy:
    """Ask a second person. Raises Refused without a preview, for nobody approves what was not looked at."""
    policy = reviewed.submit(LifecyclePolicy, policy_id)
    audit(policy, "policy.submitted", actor=actor, at=at, version=policy.version)
    return policy


@transaction.atomic
def approve_policy(*, policy_id: int, actor: User, at: datetime, reason: str) -> LifecyclePolicy:
    """Put a submitted policy in force and retire the former one; the caller wakes ``roll_out_policy``.

    Raises Refused when ``actor`` proposed it, or it no longer waits.
    """
    policy, former = reviewed.approve(LifecyclePolicy, policy_id, actor=actor, at=at)
    data = changes(former, policy)
    if "grace_days" in data:
        say_grace_changed(at=at)
    audit(policy, "policy.approved", actor=actor, at=at, reason=reason, version=policy.version, changes=data)
    return policy


@transaction.atomic
def reject_policy(*, policy_id: int, actor: User, at: datetime, reason: str) -> LifecyclePolicy:
    """Keep a submitted policy out of force, for good. Raises Refused when it no longer waits."""
    policy = reviewed.reject(LifecyclePolicy, policy_id)
    audit(policy, "policy.rejected", actor=actor, at=at, reason=reason, version=policy.version)
    return policy


def roll_out_policy(*, at: datetime) -> int:
    """Judge everybody who was last judged before the policy in force came into force; returns how many.

    A person has seen the matrix, so the brake does not apply. Each batch is one transaction and who is left is read
    from the members themselves: after a crash the next call does the rest, and one too many does nothing. Members
    held by a brake stay held.
    """
    policy = active_policy()
    behind = MemberLifecycle.objects.placed().filter(brake__isnull=True, assessed_at__lt=policy.activated_at)
    judged, last = 0, 0
    while batch := list(behind.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            MemberLifecycle.objects.filter(pk__in=batch).mark_due(at)
            catch_up(member_ids=batch, at=at, actor=policy.approved_by)
        judged, last = judged + len(batch), batch[-1]
    return judged


def changes(former: LifecyclePolicy, policy: LifecyclePolicy) -> dict[str, list[Any]]:
    """The thresholds that differ, each as [former value, new value]."""
    pairs = {name: [getattr(former, name), getattr(policy, name)] for name in THRESHOLDS}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _check(thresholds: dict[str, Any]) -> None:
    if unknown := set(thresholds) - set(THRESHOLDS):
        raise TypeError(f"not a threshold: {', '.join(sorted(unknown))}")
