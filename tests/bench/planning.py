"""Planning messages: the product's plan beside a bare INSERT … SELECT of the same rows, and planning again."""

import statistics
from collections.abc import Iterator
from typing import Any

from campaigns.models import Campaign, Enrollment, MessageIntent
from campaigns.operations.planning import plan
from tests.bench.base import execute, made_at
from tests.bench.measuring import Scene, interleaved, line, rest, run_sql, seconds


def plan_and_replan(scene: Scene) -> Iterator[dict[str, Any]]:
    """Every member whose term ends within the horizon gets her messages; then the same again finds nothing."""
    at = made_at()
    again: list[float] = []
    campaign = Campaign.objects.running().get(code="renewal-cadence")
    params = {"at": at, "campaign": campaign.pk, "version": campaign.current_version_id}

    def ours() -> None:
        plan(at=at)

    def bare() -> None:
        run_sql("plan", params)

    counts = set()

    def restore() -> None:
        # What stands there is the last run's.
        counts.add((Enrollment.objects.count(), MessageIntent.objects.count()))
        execute(
            "TRUNCATE campaigns_messagecontent, campaigns_decision, campaigns_messageintent, campaigns_enrollment "
            "CASCADE"
        )

    pair = interleaved(ours, bare, runs=scene.runs, restore=restore)
    for _ in range(scene.runs):
        restore()
        ours()
        rest()
        again.append(seconds(ours))
    counts.add((Enrollment.objects.count(), MessageIntent.objects.count()))
    counts.discard((0, 0))
    if len(counts) != 1:
        raise RuntimeError(f"the two sides planned different rows: {sorted(counts)}")
    enrolled, intents = counts.pop()
    yield line(
        "plan", scene, ours_s=pair.ours_s, limit_s=pair.bare_s, goal="<= 1.5x bare INSERT ... SELECT",
        met=pair.ours_s <= 1.5 * pair.bare_s, intents=intents, enrolled=enrolled,
        stack_figure="plan 1 M messages 6.8 s",
    )  # fmt: skip
    replan = statistics.median(again)
    yield line(
        "replan", scene, ours_s=replan, limit_s=pair.ours_s, goal="<= 10 % of plan", met=replan <= 0.1 * pair.ours_s,
        intents=intents, stack_figure="re-run 0.23 s with an anti-join first",
    )  # fmt: skip
