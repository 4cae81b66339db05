"""A qualification policy's way into force: drafted, looked ahead, submitted, approved by a second person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.engine.reviewed.operations import Review
from entitlements.tiers.models import QualificationPolicy, TierRule, TierRung
from entitlements.tiers.operations.assessing import active_policy, looking_ahead
from members.foreseen.operations import KEY, keep_changes, kept_changes, row_of
from members.lifecycle.models import MemberLifecycle

CONDITIONS = (
    "period", "period_months", "downgrade", "grace_days", "notice_days", "plan_is_floor", "refund_takes_back",
    "gap_measure",
    "brake_percent", "brake_floor",
)  # fmt: skip
# What a look ahead sees, and the same where the policy in force would move the member so too.
NOW, LATER, ANYWAY = "now", "later", ".anyway"


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
        """Who would move once it is rolled out: ``moves`` at once, ``later`` at the end of their period.

        ``anyway`` are those of them who would move so under the policy in force too, which the draft does not cause.
        Everybody is judged by both on copies, which takes seconds per hundred thousand; whom that changes is kept.
        """
        current = active_policy()
        with looking_ahead(version, at=at) as changes:
            foresight_id, _ = keep_changes(changes, setting=self.code, version_id=version.pk, at=at)
        with looking_ahead(current, at=at) as changes:
            changes.among_kept(foresight_id, suffix=ANYWAY).keep(foresight_id)
        figures = kept_changes(foresight_id).figures()
        moves, later, moves_anyway, later_anyway = (
            [row_of(figure) for figure in figures if figure.what == what]
            for what in (NOW, LATER, NOW + ANYWAY, LATER + ANYWAY)
        )
        return {
            KEY: foresight_id, "base": MemberLifecycle.objects.count(), "moves": moves, "later": later,
            "anyway": {"moves": moves_anyway, "later": later_anyway}, "under": current.version,
        }  # fmt: skip


REVIEW = QualificationReview()


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
