"""The tier engine's verbs: notice new facts, assess everybody who is due, stop at the brake."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from config.audit.record import audit
from config.engine import brakes
from config.engine.reviewed.lifecycle import Status
from config.engine.stays import horizon
from config.staff.models import User
from entitlements.tiers.measures import MEASURES
from entitlements.tiers.models import QualificationPolicy, TierBrake, TierCursor, TierStanding
from entitlements.tiers.querysets import running
from entitlements.tiers.querysets.assessment import Tables
from entitlements.tiers.querysets.running import Matrix, Question
from entitlements.tiers.rules import Rung, Terms
from members.foreseen.querysets import Changes
from members.lifecycle.models import MemberLifecycle

# A smaller batch releases row locks sooner, as in the lifecycle sweep.
BATCH = 50_000
# A chain of periods is finite; this only stops a policy that would judge the same rows for ever.
MAX_ROUNDS = 20_000
# Terms have no cursor: they are read again for so long, so that one committed late is not passed over.
OVERLAP = timedelta(minutes=15)
# Longer than any period with its grace.
FORESEEN_DAYS = 100_000


@dataclass
class Assessed:
    """What an assessment did: members judged, moves by (from, to) tier, and a brake if it stopped."""

    judged: int = 0
    moves: Matrix = field(default_factory=Counter)
    brake: TierBrake | None = None

    def matrix(self) -> list[dict[str, Any]]:
        return matrix_rows(self.moves)


class _Braked(Exception):
    """Rolls an assessment back once it has moved more members than the policy allows."""


def matrix_rows(moves: Matrix) -> list[dict[str, Any]]:
    """The moves as JSON rows, largest first."""
    return [{"from": source, "to": target, "members": n} for (source, target), n in moves.most_common()]


def active_policy() -> QualificationPolicy:
    """The policy in force; the first migration made version 1, which asks for nothing and gives nothing."""
    return QualificationPolicy.objects.get(status=Status.ACTIVE)


def terms_of(policy: QualificationPolicy) -> Terms:
    """The policy as the rules take it."""
    rungs = [
        Rung(
            rung.tier_id, rung.tier.position, rung.joined_by == "all",
            tuple((rule.measure, rule.threshold) for rule in rung.rules.all() if MEASURES.get(rule.measure)),
        )
        for rung in policy.rungs.select_related("tier").prefetch_related("rules").order_by("tier__position")
    ]  # fmt: skip
    return Terms(
        policy.period, policy.period_months, policy.downgrade, policy.grace_days, policy.notice_days,
        policy.plan_is_floor, policy.gap_measure, tuple(rungs),
    )  # fmt: skip


def question_of(policy: QualificationPolicy, *, at: datetime, actor: User | None = None) -> Question:
    """An assessment by ``policy`` at ``at``."""
    terms = terms_of(policy)
    used = [measure for code in terms.measures if (measure := MEASURES.get(code))]
    params: dict[str, Any] = {
        "at": at, "zone": settings.PROJECT_TIME_ZONE, "limit": BATCH, "after": 0, "policy": policy.pk,
        "actor": actor.pk if actor else None,
    }  # fmt: skip
    for measure in used:
        params |= measure.parameters(at)
    return Question(terms, {measure.code: measure.statement for measure in used}, params)


def assess(*, at: datetime) -> Assessed:
    """Assess every member who is due or about whom new facts came; finish what a person approved.

    Stops at the brake: when more members would move than the policy allows, nothing is written and nobody is assessed
    until a person has decided. Safe to run concurrently with itself; after a crash the next call does the rest.
    """
    if TierBrake.objects.filter(status=brakes.Status.OPEN).exists():
        return Assessed()
    policy = active_policy()
    question = question_of(policy, at=at)
    if policy.rolled_out_at is None:
        return _roll_out(policy, question, at)
    unfinished = TierBrake.objects.filter(status=brakes.Status.APPROVED, ran_at__isnull=True).first()
    if unfinished:
        result = _rounds(question)
        TierBrake.objects.filter(pk=unfinished.pk).update(ran_at=at)
        return result
    notice_facts(question, at=at)
    return _assess_due(policy, question, at)


def look_at_everybody(*, at: datetime) -> int:
    """Mark every member due: what the clock alone moves, newcomers, and facts that no log told of."""
    return running.mark_everybody({"at": at})


@transaction.atomic
def notice_facts(question: Question, *, at: datetime) -> int:
    """Mark the members due about whom the measures' logs tell something new; returns how many."""
    cursor = TierCursor.objects.select_for_update(skip_locked=True).first()
    if cursor is None:
        return 0
    upto = horizon()
    since = (cursor.terms_until or at) - OVERLAP
    known = [measure for code in question.terms.measures if (measure := MEASURES.get(code))]
    changed = [measure.changed for measure in known if measure.changed]
    params = {**question.params, "after": cursor.events_xid, "upto": upto, "since": since}
    marked = running.mark(params, changed)
    cursor.events_xid, cursor.terms_until = upto, at
    cursor.save(update_fields=["events_xid", "terms_until"])
    return marked


def catch_up(*, member_ids: Iterable[int], at: datetime, actor: User | None = None) -> Assessed:
    """Assess the named members now, in the caller's transaction; a few members never meet the brake."""
    ids = list(member_ids)
    TierStanding.objects.bulk_create(
        [TierStanding(member_id=pk) for pk in ids], ignore_conflicts=True, unique_fields=["member"]
    )
    TierStanding.objects.filter(pk__in=ids).update(due_at=at)
    return _rounds(question_of(active_policy(), at=at, actor=actor), only_members=ids)


@contextmanager
def looking_ahead(policy: QualificationPolicy, *, at: datetime) -> Iterator[Changes]:
    """Everybody assessed by ``policy`` at ``at`` on copies, as its roll-out would; yields who is changed.

    The changes are there to be read, or kept, until the block ends. Nothing is locked or written.
    """
    asked = question_of(policy, at=at)
    # Noticed so far ahead, every downgrade that is foreseen stands in the row.
    question = replace(asked, terms=replace(asked.terms, notice_days=FORESEEN_DAYS))
    with running.copies(question.params) as tables:
        _rounds(question, tables=tables)
        yield running.changes_in(tables, {"at": at})


def brake_limit(policy: QualificationPolicy) -> tuple[int, int]:
    """How many members one assessment may move, and of how many."""
    base = MemberLifecycle.objects.count()
    return max(int(base * policy.brake_percent / 100), policy.brake_floor), base


@transaction.atomic
def decide_brake(*, brake_id: int, is_right: bool, actor: User, at: datetime, reason: str) -> TierBrake:
    """Let a braked assessment run, or (the facts were mended) have it judged anew, under the brake as usual.

    Raises TierBrake.DoesNotExist when the brake is not open any more. The caller wakes ``assess``.
    """
    brake = brakes.decide(TierBrake, brake_id, is_right=is_right, actor=actor, at=at, reason=reason)
    audit(brake, f"tiers.brake_{brake.status}", actor=actor, at=at, reason=reason)
    return brake


def _roll_out(policy: QualificationPolicy, question: Question, at: datetime) -> Assessed:
    """Assess everybody by a policy just in force. A person has seen who moves, so the brake does not apply."""
    with transaction.atomic():
        policy = QualificationPolicy.objects.select_for_update().get(pk=policy.pk)
        if policy.marked_at is None:
            TierCursor.objects.update(events_xid=horizon(), terms_until=at)
            look_at_everybody(at=at)
            policy.marked_at = at
            policy.save(update_fields=["marked_at"])
    result = _rounds(question)
    QualificationPolicy.objects.filter(pk=policy.pk).update(rolled_out_at=at)
    return result


def _assess_due(policy: QualificationPolicy, question: Question, at: datetime) -> Assessed:
    due = TierStanding.objects.filter(due_at__lte=at)
    # So few cannot reach any brake: the base need not be counted, nor all be one transaction to be taken back.
    if due[: policy.brake_floor + 1].count() <= policy.brake_floor:
        return _rounds(question) if due.exists() else Assessed()
    limit, base = brake_limit(policy)
    try:
        with transaction.atomic():
            return _rounds(question, limit=limit)
    except _Braked as braked:
        return _raise_brake(braked.args[0], at=at, limit=limit, base=base)


def _rounds(
    question: Question, *, only_members: list[int] | None = None, limit: int | None = None, tables: Tables | None = None
) -> Assessed:
    result = Assessed()
    for _ in range(MAX_ROUNDS):
        done = running.judge_round(question, only_members=only_members or [], tables=tables)
        result.judged += done.judged
        result.moves.update(done.moves)
        if done.due_again == 0 and done.judged < BATCH:
            # Only at the end, all to be rolled back, so that whoever decides sees the whole matrix.
            if limit is not None and result.moves.total() > limit:
                raise _Braked(result)
            return result
    raise RuntimeError("the assessment of tiers does not come to rest")


@transaction.atomic
def _raise_brake(result: Assessed, *, at: datetime, limit: int, base: int) -> Assessed:
    brake, is_new = TierBrake.objects.get_or_create(
        status=brakes.Status.OPEN,
        defaults={
            "raised_at": at, "base_count": base, "moved_count": result.moves.total(), "limit_count": limit,
            "matrix": result.matrix(),
        },
    )  # fmt: skip
    if is_new:
        audit(brake, "tiers.braked", actor=None, at=at, matrix=result.matrix(), limit=limit)
    return Assessed(brake=brake)
