"""A lifecycle policy's way into force: proposed, previewed, submitted, approved by a second person, rolled out."""

from datetime import datetime
from typing import Any

from django.db import transaction

from config.engine.naming import in_every_language
from config.engine.reviewed.operations import Review
from members.foreseen.operations import KEY, keep_changes, kept_changes, row_of
from members.lifecycle.models import LifecyclePolicy, MemberLifecycle
from members.lifecycle.operations.sweep import active_policy, catch_up, looking_ahead
from members.lifecycle.policy_effects import effects_of
from members.plans.grace import say_grace_changed

THRESHOLDS = (
    "expiring_window_days", "expiring_fraction", "silent_days", "tenure_days", "stable_active_weeks",
    "stable_of_weeks", "active_days_enter", "active_days_keep", "active_window_days", "churn_after_days",
    "grace_days", "settlement_hours", "refund_days", "brake_percent", "brake_floor",
)  # fmt: skip

# Members judged in one transaction of a roll-out: as many as a sweep takes, so that locks are released as soon.
BATCH = 50_000


class LifecycleReview(Review[LifecyclePolicy]):
    """The lifecycle policy under review; whoever puts it in force wakes ``roll_out_policy``."""

    model = LifecyclePolicy
    code = "policy"
    columns = THRESHOLDS

    def preview(self, version: LifecyclePolicy, at: datetime) -> dict[str, Any]:
        """Whose state, and whose status and tier, would be another once it is rolled out, as members are now.

        Every member is judged on a copy, which takes seconds per hundred thousand; whom that changes is kept.
        """
        with looking_ahead(at=at, policy=version) as (result, changes):
            foresight_id, figures = keep_changes(changes, setting=self.code, version_id=version.pk, at=at)
        effects = effects_of(result.moves, at)
        return {
            KEY: foresight_id,
            "base": MemberLifecycle.objects.placed().count(),
            "changed": kept_changes(foresight_id).count_members(),
            "moves": [row_of(figure) for figure in figures if figure.what == "state"],
            "standings": [row_of(figure) for figure in figures if figure.what == "standing"],
            "messages": [{"label": in_every_language(effect.label), "count": effect.count} for effect in effects],
            "under": active_policy().version,
        }

    def on_active(self, version: LifecyclePolicy, former: LifecyclePolicy | None, at: datetime) -> None:
        if "grace_days" in self.changes(former, version):
            say_grace_changed(at=at)


REVIEW = LifecycleReview()


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
