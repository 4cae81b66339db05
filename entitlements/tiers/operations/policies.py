"""A qualification policy's way into force: drafted, looked ahead, submitted, approved by a second person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from config.audit.record import audit
from config.engine import reviewed
from config.engine.reviewed import Status
from config.staff.models import User
from entitlements.tiers.models import QualificationPolicy, TierRule, TierRung
from entitlements.tiers.operations.assessing import active_policy, matrix_rows, question_of
from entitlements.tiers.querysets import running
from members.lifecycle.models import MemberLifecycle

CONDITIONS = (
    "period", "period_months", "downgrade", "grace_days", "notice_days", "plan_is_floor", "gap_measure",
    "brake_percent", "brake_floor",
)  # fmt: skip
# Judging five thousand takes half a second; who wants more of the base goes on to the next page.
LOOKED_THROUGH = 5_000
MOST_LOOKS = 4


@dataclass(frozen=True)
class Asked:
    """What a policy asks for a tier: thresholds by measure, all of them or any."""

    tier_id: int
    joined_by: str
    thresholds: Mapping[str, int]


@transaction.atomic
def propose_policy(
    *, actor: User | None, at: datetime, note: str, rungs: Iterable[Asked], **conditions: Any
) -> QualificationPolicy:
    """Write a draft with the next version number; conditions that are not named are those in force."""
    # The one active row is the turnstile: two proposals at once get different numbers.
    current = QualificationPolicy.objects.select_for_update().get(status=Status.ACTIVE)
    newest = QualificationPolicy.objects.aggregate(newest=Max("version"))["newest"]
    draft = QualificationPolicy.objects.create(
        version=newest + 1, note=note, created_at=at, created_by=actor,
        **{name: conditions.get(name, getattr(current, name)) for name in CONDITIONS},
    )  # fmt: skip
    _write_rungs(draft, rungs)
    audit(draft, "qualification.proposed", actor=actor, at=at, version=draft.version, **summary(draft))
    return draft


@transaction.atomic
def revise_policy(
    *, policy_id: int, actor: User, at: datetime, note: str, rungs: Iterable[Asked], **conditions: Any
) -> QualificationPolicy:
    """Change a draft; its preview is void. Raises Refused when it is no draft any more."""
    draft = reviewed.locked(QualificationPolicy, policy_id, Status.DRAFT)
    for name, value in conditions.items():
        setattr(draft, name, value)
    draft.note, draft.preview, draft.previewed_at = note, None, None
    draft.save(update_fields=[*conditions, "note", "preview", "previewed_at"])
    draft.rungs.all().delete()
    _write_rungs(draft, rungs)
    audit(draft, "qualification.revised", actor=actor, at=at, version=draft.version, **summary(draft))
    return draft


def preview_policy(*, policy_id: int, at: datetime) -> QualificationPolicy:
    """Judge everybody by the policy and keep the matrix of who would move: up at once, down at her period's end.

    ``anyway`` is the same under the policy in force, to be told apart from what the draft changes.
    Nothing else is written and nobody is locked. A draft changed meanwhile keeps no preview.
    """
    draft = QualificationPolicy.objects.get(pk=policy_id)
    before = summary(draft)
    current = active_policy()
    preview = {
        "base": MemberLifecycle.objects.count(),
        "moves": _moves_under(draft, at),
        "anyway": _moves_under(current, at),
        "under": current.version,
    }
    with transaction.atomic():
        draft = QualificationPolicy.objects.select_for_update().get(pk=policy_id)
        if summary(draft) == before:
            draft.preview, draft.previewed_at = preview, at
            draft.save(update_fields=["preview", "previewed_at"])
    return draft


def _moves_under(policy: QualificationPolicy, at: datetime) -> list[dict[str, Any]]:
    question = question_of(policy, at=at)
    everybody = running.Question(question.terms, question.measures, {**question.params, "limit": None})
    return matrix_rows(running.look(everybody))


def movers_of(
    *, policy: QualificationPolicy, source: int | None, target: int | None, after: int, limit: int, at: datetime
) -> tuple[list[int], int | None]:
    """The next members who would move so, and the last looked at where there may be more. Looks through a part of the
    base at a time, so that no page takes longer the larger the base is."""
    question = question_of(policy, at=at)
    found: list[int] = []
    last: int | None = after
    for _ in range(MOST_LOOKS):
        last, more = running.look_for(question, source=source, target=target, after=after, limit=LOOKED_THROUGH)
        found += more
        if last is None:
            return found, None
        if len(found) > limit:
            return found[:limit], found[limit - 1]
        after = last
    return found, last


@transaction.atomic
def submit_policy(*, policy_id: int, actor: User, at: datetime) -> QualificationPolicy:
    """Ask a second person. Raises Refused without a preview."""
    policy = reviewed.submit(QualificationPolicy, policy_id)
    audit(policy, "qualification.submitted", actor=actor, at=at, version=policy.version)
    return policy


@transaction.atomic
def approve_policy(*, policy_id: int, actor: User, at: datetime, reason: str) -> QualificationPolicy:
    """Put a submitted policy in force and retire the former one; the caller wakes ``assess``, which rolls it out.

    Raises Refused when ``actor`` proposed it, or it no longer waits.
    """
    policy, _former = reviewed.approve(QualificationPolicy, policy_id, actor=actor, at=at)
    said = {"version": policy.version, **summary(policy)}
    audit(policy, "qualification.approved", actor=actor, at=at, reason=reason, **said)
    return policy


@transaction.atomic
def reject_policy(*, policy_id: int, actor: User, at: datetime, reason: str) -> QualificationPolicy:
    """Keep a submitted policy out of force, for good. Raises Refused when it no longer waits."""
    policy = reviewed.reject(QualificationPolicy, policy_id)
    audit(policy, "qualification.rejected", actor=actor, at=at, reason=reason, version=policy.version)
    return policy


def summary(policy: QualificationPolicy) -> dict[str, Any]:
    """Everything a policy says, to be compared and kept."""
    rungs = policy.rungs.prefetch_related("rules").order_by("tier_id")
    asked = {
        str(rung.tier_id): [rung.joined_by, {rule.measure: rule.threshold for rule in rung.rules.all()}]
        for rung in rungs
    }
    return {name: getattr(policy, name) for name in CONDITIONS} | {"tiers": asked}


def _write_rungs(policy: QualificationPolicy, rungs: Iterable[Asked]) -> None:
    asked = [one for one in rungs if one.thresholds]
    made = TierRung.objects.bulk_create(
        [TierRung(policy=policy, tier_id=one.tier_id, joined_by=one.joined_by) for one in asked]
    )
    TierRule.objects.bulk_create(
        [
            TierRule(rung=rung, measure=measure, threshold=threshold)
            for rung, one in zip(made, asked, strict=True)
            for measure, threshold in one.thresholds.items()
        ]
    )
