"""A qualification policy's way into force: drafted, looked ahead, submitted, approved by a second person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.engine.reviewed.operations import Review
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


class QualificationReview(Review[QualificationPolicy]):
    """The qualification policy under review; whoever puts it in force wakes ``assess``, which rolls it out.

    ``rungs`` hands over what it asks for each tier, as ``Asked``.
    """

    model = QualificationPolicy
    code = "qualification"
    columns = CONDITIONS
    parts = ("rungs",)

    def copy_from(self, draft: QualificationPolicy, active: QualificationPolicy) -> None:
        asked = self.content_of(active)["tiers"].items()
        _write_rungs(draft, [Asked(int(tier), joined_by, own) for tier, (joined_by, own) in asked])

    def write_parts(self, draft: QualificationPolicy, parts: Mapping[str, Any]) -> None:
        draft.rungs.all().delete()
        _write_rungs(draft, parts["rungs"])

    def content_of(self, version: QualificationPolicy) -> dict[str, Any]:
        rungs = version.rungs.prefetch_related("rules").order_by("tier_id")
        asked = {
            str(rung.tier_id): [rung.joined_by, {rule.measure: rule.threshold for rule in rung.rules.all()}]
            for rung in rungs
        }
        return super().content_of(version) | {"tiers": asked}

    def preview(self, version: QualificationPolicy, at: datetime) -> dict[str, Any]:
        """Who would move: up at once, down at their period's end.

        ``anyway`` is the same under the policy in force, to be told apart from what the draft changes.
        """
        current = active_policy()
        return {
            "base": MemberLifecycle.objects.count(),
            "moves": _moves_under(version, at),
            "anyway": _moves_under(current, at),
            "under": current.version,
        }


REVIEW = QualificationReview()


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
