"""Tiers: a policy rolled out over everybody, beside bare statements that add up, place and log the same members."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from entitlements.tiers.models import QualificationPolicy, TierChange, TierRule, TierRung, TierStanding
from entitlements.tiers.operations import assessing
from members.plans.models import Tier
from tests.bench.base import execute, made_at
from tests.bench.measuring import Scene, interleaved, line, run_sql

# By position: what the two tiers of the base ask.
ASKED = ({"spend": 6_000, "active_days": 3}, {"spend": 50_000, "active_days": 10})
_EMPTY = """
TRUNCATE entitlements_tierstanding, entitlements_tierchange, entitlements_tierjudgement, entitlements_tierarrival,
  bench_tier, bench_tierlog;
UPDATE entitlements_qualificationpolicy SET marked_at = NULL, rolled_out_at = NULL WHERE version > 1"""


def rolled_out(scene: Scene) -> Iterator[dict[str, Any]]:
    """Everybody judged by a policy just in force, on money and active days of a year."""
    at = made_at() + timedelta(hours=1)
    _put_in_force(at)
    execute(
        "CREATE UNLOGGED TABLE bench_tier (member_id bigint PRIMARY KEY, tier_id bigint, spend bigint, days bigint)"
    )
    execute("CREATE UNLOGGED TABLE bench_tierlog (member_id bigint, tier_id bigint, at timestamptz)")
    year = {"at": at, "since": at.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)}
    pair = interleaved(
        lambda: assessing.assess(at=at), lambda: run_sql("tiers", year), runs=scene.runs,
        restore=lambda: execute(_EMPTY),
    )  # fmt: skip
    execute(_EMPTY)
    assessing.assess(at=at)
    yield line(
        "tiers", scene, ours_s=pair.ours_s, limit_s=pair.bare_s, goal="<= 5x bare",
        met=pair.ours_s <= 5 * pair.bare_s, judged=TierStanding.objects.count(), moved=TierChange.objects.count(),
        stack_figure=None,
    )  # fmt: skip
    execute(_EMPTY)


def _put_in_force(at: datetime) -> None:
    """Past the review, which has nothing to do with speed."""
    execute("UPDATE entitlements_qualificationpolicy SET status = 'retired'")
    policy = QualificationPolicy.objects.create(version=99, created_at=at, activated_at=at)
    execute(
        "SET session_replication_role = replica;"
        "UPDATE entitlements_qualificationpolicy SET status = 'active' WHERE version = 99;"
        "RESET session_replication_role"
    )
    for tier, asked in zip(Tier.objects.order_by("position"), ASKED, strict=True):
        rung = TierRung.objects.create(policy=policy, tier=tier)
        for measure, threshold in asked.items():
            TierRule.objects.create(rung=rung, measure=measure, threshold=threshold)
