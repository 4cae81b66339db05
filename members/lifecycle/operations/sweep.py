"""The lifecycle engine's verbs: sweep everybody who is due, catch a few members up, simulate, explain."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from config.audit.record import audit
from config.engine import brakes
from config.staff.models import User
from members.foreseen.querysets import Changes
from members.lifecycle.feeds import hear
from members.lifecycle.models import LifecyclePolicy, MemberLifecycle, SweepBrake
from members.lifecycle.querysets.assessment import Tables, changes_sql, copy_sql
from members.lifecycle.querysets.lifecycle import Explanation, Matrix

# Larger batches measured no faster, and a smaller one releases row locks sooner.
BATCH = 50_000
# A chain of instants is finite; this only stops a policy that would judge the same rows for ever.
MAX_ROUNDS = 20_000


_JUDGED_LATER: ContextVar[bool] = ContextVar("judged_later", default=False)


@dataclass
class SweepResult:
    """What a sweep did: members judged (once per due instant), moves by (from, to), and a brake if it stopped."""

    judged: int = 0
    moves: Matrix = field(default_factory=Counter)
    brake: SweepBrake | None = None

    def matrix(self) -> list[dict[str, Any]]:
        """The from→to matrix as JSON rows, largest first."""
        return [{"from": source, "to": target, "members": n} for (source, target), n in self.moves.most_common()]


class _Braked(Exception):
    """Rolls a sweep back once it has moved more members into one state than the policy allows."""


def parameters(policy: LifecyclePolicy, *, at: datetime, actor: User | None = None) -> dict[str, Any]:
    """The engine statement's parameters: the policy's thresholds, the sweep instant and the activity sources."""
    feed = hear(at)
    return {
        "at": at,
        "recorded_at": at,
        "policy": policy.pk,
        "actor": actor.pk if actor else None,
        "zone": settings.PROJECT_TIME_ZONE,
        "limit": BATCH,
        "members": [],
        "activity_since": feed.connected_at,
        "silence_suspended": feed.is_stale,
        "horizon_days": max(policy.active_window_days, policy.silent_days, 7 * policy.stable_of_weeks + 7),
        **{
            name: getattr(policy, name)
            for name in (
                "expiring_window_days", "expiring_fraction", "silent_days", "tenure_days", "stable_active_weeks",
                "stable_of_weeks", "active_days_enter", "active_days_keep", "active_window_days",
                "churn_after_days", "grace_days", "settlement_hours",
            )
        },
    }  # fmt: skip


def active_policy() -> LifecyclePolicy:
    """The policy in force; the first migration made version 1."""
    return LifecyclePolicy.objects.get(status=LifecyclePolicy.Status.ACTIVE)


def sweep(*, at: datetime, actor: User | None = None, policy: LifecyclePolicy | None = None) -> SweepResult:
    """Judge every member who is due, each at her own due instants in order, until none is due at ``at``.

    Stops at the brake: when the sweep would move more members into one state than the policy allows, nothing is
    written, the due rows are held and the result carries the brake. Safe to run concurrently with itself.
    """
    # Planning the engine's statement costs more than an idle sweep may.
    if not MemberLifecycle.objects.due(at).exists():
        return SweepResult()
    policy = policy or active_policy()
    movable = MemberLifecycle.objects.due(at).placed()
    # So few cannot reach any brake: the base need not be counted, nor the sweep be one transaction to be taken back.
    if movable[: policy.brake_floor + 1].count() <= policy.brake_floor:
        return _rounds(parameters(policy, at=at, actor=actor), SweepResult())
    limit = brake_limit(policy)
    try:
        with transaction.atomic():
            return _rounds(parameters(policy, at=at, actor=actor), SweepResult(), limit=limit)
    except _Braked as braked:
        return _raise_brake(braked.args[0], at=at, limit=limit)


@contextmanager
def judged_later() -> Iterator[None]:
    """Within it facts only mark members due: for many facts about many members, with one sweep after them."""
    token = _JUDGED_LATER.set(True)
    try:
        yield
    finally:
        _JUDGED_LATER.reset(token)


def catch_up(*, member_ids: Iterable[int], at: datetime, actor: User | None = None) -> SweepResult:
    """Judge the named members now, in the caller's transaction; a few members never meet the brake."""
    if _JUDGED_LATER.get():
        return SweepResult()
    params = parameters(active_policy(), at=at, actor=actor) | {"members": list(member_ids)}
    return _rounds(params, SweepResult(), only_members=True)


def sweep_unbraked(*, at: datetime, policy: LifecyclePolicy, actor: User | None = None) -> SweepResult:
    """Judge everybody due after a person has seen the matrix and approved it."""
    return _rounds(parameters(policy, at=at, actor=actor), SweepResult())


def brake_limit(policy: LifecyclePolicy) -> int:
    """How many members one sweep may move into one state."""
    base = MemberLifecycle.objects.placed().count()
    return max(int(base * policy.brake_percent / 100), policy.brake_floor)


def simulate(*, at: datetime, policy: LifecyclePolicy | None = None) -> SweepResult:
    """What a sweep at ``at`` (which may lie ahead) would move, judged on copies; nothing is locked or written."""
    with _copies() as copies:
        return _rounds(parameters(policy or active_policy(), at=at), SweepResult(), tables=copies)


@contextmanager
def looking_ahead(*, at: datetime, policy: LifecyclePolicy) -> Iterator[tuple[SweepResult, Changes]]:
    """Everybody judged by ``policy`` at ``at`` on copies, as its roll-out would; yields the moves and who is changed.

    The changes are there to be read, or kept, until the block ends.
    """
    with _copies(all_due_at=at) as copies:
        result = _rounds(parameters(policy, at=at), SweepResult(), tables=copies)
        yield result, Changes(changes_sql(copies), {})


@contextmanager
def _copies(*, all_due_at: datetime | None = None) -> Iterator[Tables]:
    """Tables to simulate in, gone with the transaction; everybody is due by ``all_due_at`` where it is given."""
    copies = Tables(state="simulated_state", log="simulated_log", tags="simulated_tags")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(copy_sql(copies))
        if all_due_at is not None:
            cursor.execute(f"UPDATE {copies.state} SET next_due_at = least(next_due_at, %s)", [all_due_at])
        cursor.execute(f"CREATE INDEX ON {copies.state} (next_due_at)")
        cursor.execute(f"CREATE INDEX ON {copies.state} (member_id)")
        cursor.execute(f"ANALYZE {copies.state}")
        for copy, original in ((copies.log, Tables.log), (copies.tags, Tables.tags)):
            cursor.execute(
                f"CREATE TEMP TABLE {copy} (LIKE {original} INCLUDING DEFAULTS INCLUDING IDENTITY) ON COMMIT DROP"
            )
        yield copies
        # Within a longer transaction there may be another look.
        cursor.execute(f"DROP TABLE {copies.state}, {copies.log}, {copies.tags}")


def explain(*, member_ids: Iterable[int], at: datetime) -> list[Explanation]:
    """Why each member is where she is at ``at``: rule, facts, and when the engine looks again."""
    return MemberLifecycle.objects.all().explain_states(member_ids, parameters(active_policy(), at=at))


@transaction.atomic
def approve_brake(*, brake_id: int, actor: User, at: datetime, reason: str) -> SweepBrake:
    """Let a braked sweep run: its members are released and the next sweep of ``approved`` rows is not braked.

    Raises SweepBrake.DoesNotExist when the brake is not open any more. The caller sweeps afterwards.
    """
    return _decide_brake(brake_id, is_right=True, actor=actor, at=at, reason=reason)


@transaction.atomic
def release_brake(*, brake_id: int, actor: User, at: datetime, reason: str) -> SweepBrake:
    """After the facts were mended: let the held members be judged again, under the brake as usual."""
    brake = _decide_brake(brake_id, is_right=False, actor=actor, at=at, reason=reason)
    MemberLifecycle.objects.filter(brake=brake).update(brake=None)
    return brake


def unfinished_brakes() -> list[int]:
    """Approved brakes that still hold members, because the task that runs them was lost."""
    unfinished = SweepBrake.objects.filter(status=brakes.Status.APPROVED, held__isnull=False)
    return list(unfinished.distinct().order_by("pk").values_list("pk", flat=True))


def run_approved(*, brake_id: int, at: datetime, actor: User | None = None) -> SweepResult:
    """Judge the members held by an approved brake, up to ``at``; again after a crash it does the rest."""
    brake = SweepBrake.objects.get(pk=brake_id, status=brakes.Status.APPROVED)
    result = SweepResult()
    held = MemberLifecycle.objects.filter(brake=brake)
    params = parameters(active_policy(), at=at, actor=brake.decided_by)
    while batch := list(held.values_list("member_id", flat=True)[:BATCH]):
        with transaction.atomic():
            _rounds(params | {"members": batch}, result, only_members=True)
            held.filter(member_id__in=batch).update(brake=None)
    return result


def _rounds(
    params: dict[str, Any],
    result: SweepResult,
    *,
    only_members: bool = False,
    tables: Tables | None = None,
    limit: int | None = None,
) -> SweepResult:
    rows = MemberLifecycle.objects.all()
    for _ in range(MAX_ROUNDS):
        judged = rows.judge_round(params, only_members=only_members, tables=tables)
        result.judged += judged.judged
        result.moves.update(judged.moves)
        if limit is not None and _exceeds(result.moves, limit):
            # Go on to the end, all to be rolled back, so that whoever decides sees the whole matrix.
            raise _Braked(_rounds(params, result))
        if judged.due_again == 0 and judged.judged < params["limit"]:
            return result
    raise RuntimeError("the lifecycle sweep does not come to rest")


def _exceeds(moves: Matrix, limit: int) -> bool:
    into: Counter[str] = Counter()
    for (source, target), n in moves.items():
        if source is not None:
            into[target] += n
    return any(n > limit for n in into.values())


@transaction.atomic
def _raise_brake(result: SweepResult, *, at: datetime, limit: int) -> SweepResult:
    brake = SweepBrake.objects.create(
        raised_at=at,
        swept_at=at,
        base_count=MemberLifecycle.objects.placed().count(),
        held_count=0,
        limit_count=limit,
        matrix=result.matrix(),
    )
    brake.held_count = MemberLifecycle.objects.hold_due(at, brake.pk)
    brake.save(update_fields=["held_count"])
    audit(brake, "sweep.braked", actor=None, at=at, matrix=result.matrix(), limit=limit)
    return SweepResult(judged=0, brake=brake)


def _decide_brake(brake_id: int, *, is_right: bool, actor: User, at: datetime, reason: str) -> SweepBrake:
    brake = brakes.decide(SweepBrake, brake_id, is_right=is_right, actor=actor, at=at, reason=reason)
    audit(brake, f"sweep.{brake.status}", actor=actor, at=at, reason=reason)
    return brake
