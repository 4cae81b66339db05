"""The tier engine's verbs: notice new facts, assess everybody who is due, stop at the brake."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
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
from entitlements.tiers.querysets.assessment import HELD_BY, NOT_HELD, ONLY_MEMBERS, Tables
from entitlements.tiers.querysets.running import Matrix, Question
from entitlements.tiers.rules import Rung, Terms
from members.foreseen.querysets import Changes
from members.lifecycle.models import MemberLifecycle

# A smaller batch releases row locks sooner, as in the lifecycle sweep.
BATCH = 50_000
# A chain of periods is finite; this only stops a policy that would judge the same rows for ever.
MAX_ROUNDS = 20_000
# Merges have no cursor: they are read again for so long, so that one committed late is not passed over.
OVERLAP = timedelta(minutes=15)
NAMED = f"{ONLY_MEMBERS} AND {NOT_HELD}"
MOMENT = timedelta(microseconds=1)
# Longer than any period with its grace.
FORESEEN_DAYS = 100_000


@dataclass
class Assessed:
    """What an assessment did: members judged, moves by (from, to) tier, and a brake if it stopped."""

    judged: int = 0
    moves: Matrix = field(default_factory=Counter)
    brake: TierBrake | None = None

    def add(self, other: "Assessed") -> None:
        """Count in what another one did."""
        self.judged += other.judged
        self.moves.update(other.moves)
        self.brake = other.brake or self.brake

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
    base = min(policy.activated_at or at, at)
    params: dict[str, Any] = {
        "at": at, "zone": settings.PROJECT_TIME_ZONE, "limit": BATCH, "after": 0, "policy": policy.pk,
        "actor": actor.pk if actor else None, "base": base, "earliest": base,
    }  # fmt: skip
    for measure in used:
        params |= measure.parameters(at)
    params["takes_back"] = policy.refund_takes_back
    return Question(terms, {measure.code: measure for measure in used}, params)


def assess(*, at: datetime) -> Assessed:
    """Assess every member who is due or about whom new facts came; finish what a person approved.

    Each is looked at instant by instant, by the policy that was in force then: what is looked at late comes out as if
    it had been looked at in time. Stops at the brake: when more members would move than the policy allows, those who
    would are held as they are until a person has decided, and the others are assessed. Safe to run concurrently with
    itself; after a crash the next call does the rest.
    """
    found = Assessed()
    for policy, until in _policies_to_run(at):
        question = question_of(policy, at=until)
        if policy.rolled_out_at is None:
            found.add(_roll_out(policy, question, until))
        found.add(_run_approved(until))
        notice_facts(question, at=until)
        found.add(_assess_due(policy, question, until))
    return found


def _policies_to_run(at: datetime) -> list[tuple[QualificationPolicy, datetime]]:
    """The policy rolled out last and those that came into force since, each with the end of its time or ``at``."""
    came = list(QualificationPolicy.objects.filter(activated_at__isnull=False).order_by("activated_at", "pk"))
    waiting = [policy for policy in came if policy.rolled_out_at is None]
    if not waiting:
        return [(active_policy(), at)]
    # The first version came with the installation, before any other, whatever its clock said.
    done = [policy for policy in came if policy.rolled_out_at is not None]
    policies = [*sorted(done, key=lambda policy: policy.version > 1)[-1:], *waiting]
    return _with_ends(policies, at)


def assess_everybody(*, at: datetime) -> Assessed:
    """Assess everybody: newcomers from the day they came, then each as of ``at``, for facts that no log told of."""
    found = Assessed()
    for _ in range(2):
        look_at_everybody(at=at)
        found.add(assess(at=at))
    return found


def look_at_everybody(*, at: datetime, base: datetime | None = None) -> int:
    """Mark every member due: newcomers, and facts that no log told of. ``base``: when the policy came into force."""
    return running.mark_everybody({"at": at, "base": base or active_policy().activated_at or at})


@transaction.atomic
def notice_facts(question: Question, *, at: datetime) -> int:
    """Note what the measures' logs tell that is new, and have the members looked at; returns how many."""
    cursor = TierCursor.objects.select_for_update(skip_locked=True).first()
    if cursor is None:
        return 0
    upto = horizon()
    since = (cursor.terms_until or at) - OVERLAP
    params = {**question.params, "after": cursor.events_xid, "upto": upto, "since": since}
    running.follow_merges(params)
    noted = running.take_in({**params, "since_known": datetime.min.replace(tzinfo=UTC)}, _changed(question))
    cursor.events_xid, cursor.terms_until = upto, at
    cursor.save(update_fields=["events_xid", "terms_until"])
    return noted


def _changed(question: Question) -> list[str]:
    return [measure.changed for measure in question.measures.values() if measure.changed]


def catch_up(*, member_ids: Iterable[int], at: datetime, actor: User | None = None) -> Assessed:
    """Assess the named members now, in the caller's transaction; a few members never meet the brake.

    Who is held by one keeps what was earned until a person decides; a tier given by hand counts for them too.
    """
    ids = list(member_ids)
    question = question_of(active_policy(), at=at, actor=actor)
    question = replace(question, params={**question.params, "members": ids})
    # What waits to be read of them, and of whom else, is judged in its turn, by the policy rolled out last at first.
    notice_facts(question_of(_policies_to_run(at)[0][0], at=at), at=at)
    running.follow_merges({"since": at})
    running.enrol(question.params)
    found = _rounds(question, scope=NAMED)
    # Nothing is due any more; but what a person just did is to be seen.
    TierStanding.objects.filter(pk__in=ids, brake__isnull=True, looked_at__lte=at).update(due_at=at)
    found.add(_rounds(question, scope=NAMED))
    running.give_to_held(question.params)
    return found


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
    if not is_right:
        brake.held.update(brake=None)
    audit(brake, f"tiers.brake_{brake.status}", actor=actor, at=at, reason=reason)
    return brake


def _roll_out(policy: QualificationPolicy, question: Question, at: datetime) -> Assessed:
    """Assess everybody by a policy just in force. A person has seen who moves, so the brake does not apply."""
    with transaction.atomic():
        policy = QualificationPolicy.objects.select_for_update().get(pk=policy.pk)
        if policy.marked_at is None:
            look_at_everybody(at=at, base=question.params["base"])
            running.begin_policy(question.params)
            # What has come since is not counted yet, be it that the policy before did not ask for it.
            logs = {**question.params, "after": 0, "upto": horizon(), "since": at}
            running.take_in({**logs, "since_known": question.params["base"]}, _changed(question))
            TierCursor.objects.update(events_xid=logs["upto"], terms_until=at)
            policy.marked_at = at
            policy.save(update_fields=["marked_at"])
    # Only as of the day it came into force: what came after is under the brake, as everything.
    result = _rounds(question_of(policy, at=policy.activated_at or at))
    QualificationPolicy.objects.filter(pk=policy.pk).update(rolled_out_at=at)
    return result


def _run_approved(at: datetime) -> Assessed:
    """Move the members whose moves a person approved, by the policies that were in force since they were held."""
    result = Assessed()
    for brake in TierBrake.objects.filter(status=brakes.Status.APPROVED, ran_at__isnull=True):
        for number, (policy, until) in enumerate(_policies_since(brake.raised_at, at)):
            question = question_of(policy, at=until)
            question = replace(question, params={**question.params, "brake": brake.pk})
            if number:
                running.begin_policy(question.params, scope=HELD_BY)
            result.add(_rounds(question, scope=HELD_BY))
        with transaction.atomic():
            brake.held.update(brake=None)
            TierBrake.objects.filter(pk=brake.pk).update(ran_at=at)
    return result


def _policies_since(since: datetime, at: datetime) -> list[tuple[QualificationPolicy, datetime]]:
    """The policy in force at ``since`` and those that followed, each with the end of its time or ``at``."""
    came = list(QualificationPolicy.objects.filter(rolled_out_at__isnull=False).order_by("activated_at", "pk"))
    came.sort(key=lambda policy: policy.version > 1)
    before = [policy for policy in came if policy.version == 1 or (policy.activated_at or at) <= since]
    policies = [*before[-1:], *(policy for policy in came if policy not in before)]
    return _with_ends(policies, at)


def _with_ends(policies: list[QualificationPolicy], at: datetime) -> list[tuple[QualificationPolicy, datetime]]:
    """Each policy with the last instant of its time, which is right before the next one's, or ``at``."""
    ends = [(policy.activated_at or at) - MOMENT for policy in policies[1:]]
    return list(zip(policies, [*ends, at], strict=True))


def _assess_due(policy: QualificationPolicy, question: Question, at: datetime) -> Assessed:
    due = TierStanding.objects.filter(due_at__lte=at, brake__isnull=True)
    # So few cannot reach any brake: the base need not be counted, nor all be one transaction to be taken back.
    if due[: policy.brake_floor + 1].count() <= policy.brake_floor:
        return _rounds(question) if due.exists() else Assessed()
    limit, base = brake_limit(policy)
    try:
        with transaction.atomic():
            return _rounds(question, limit=limit)
    except _Braked as braked:
        return _hold(question, braked.args[0], at=at, limit=limit, base=base)


def _rounds(
    question: Question,
    *,
    scope: str = NOT_HELD,
    is_holding: bool = False,
    limit: int | None = None,
    tables: Tables | None = None,
) -> Assessed:
    result = Assessed()
    if tables is None:
        question = replace(question, params={**question.params, "earliest": running.earliest(question.params)})
    for _ in range(MAX_ROUNDS):
        done = running.judge_round(question, scope=scope, is_holding=is_holding, tables=tables)
        result.judged += done.judged
        result.moves.update(done.moves)
        if done.due_again == 0 and done.judged < BATCH:
            # Only at the end, all to be rolled back, so that whoever decides sees the whole matrix.
            if limit is not None and result.moves.total() > limit:
                raise _Braked(result)
            return result
    raise RuntimeError("the assessment of tiers does not come to rest")


@transaction.atomic
def _hold(question: Question, result: Assessed, *, at: datetime, limit: int, base: int) -> Assessed:
    """Hold whoever would move and assess the others. An open brake holds them too, with what it holds already."""
    brake, is_new = TierBrake.objects.select_for_update().get_or_create(
        status=brakes.Status.OPEN,
        defaults={"raised_at": at, "base_count": base, "moved_count": 0, "limit_count": limit, "matrix": []},
    )
    judged = _rounds(replace(question, params={**question.params, "brake": brake.pk}), is_holding=True).judged
    moves = Counter({(row["from"], row["to"]): row["members"] for row in brake.matrix})
    moves.update(result.moves)
    brake.matrix, brake.moved_count = matrix_rows(moves), brake.held.count()
    brake.save(update_fields=["matrix", "moved_count"])
    if is_new:
        audit(brake, "tiers.braked", actor=None, at=at, matrix=brake.matrix, limit=limit)
    return Assessed(judged, brake=brake)
