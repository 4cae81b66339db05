"""Benefits of many members at once: terms that start, and everybody's usage rate, beside bare SQL."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from entitlements.benefits.models import Benefit, LadderVersion, TierBenefit
from entitlements.grants.models import Balance, Grant, Standing
from entitlements.grants.operations.settling import read_facts, settle_due
from entitlements.usage.operations.rates import recompute_rates
from members.lifecycle.models import MemberLifecycle
from members.plans.models import Tier
from tests.bench.base import execute, made_at
from tests.bench.measuring import Scene, interleaved, line, run_sql

STARTING = 100_000
AMOUNTS: dict[str, int | None] = {"bench-access": None, "bench-a": 20, "bench-b": 5, "bench-c": 100}
_EMPTY = """
TRUNCATE entitlements_grant, entitlements_lot, entitlements_balance, entitlements_standing,
  entitlements_entitlementsnapshot CASCADE"""
_DUE = """
INSERT INTO entitlements_standing (member_id, via, next_due_at)
SELECT t.member_id, 'free', %(at)s FROM members_membershipterm t
WHERE t.starts_at <= %(at)s AND t.ends_at > %(at)s AND t.closed_at IS NULL ORDER BY t.member_id LIMIT %(limit)s"""
_BALANCES = """
INSERT INTO entitlements_balance (
  member_id, benefit_id, is_open, granted, used, units, laid, overage, level, early_hours, settled_at, uses
)
SELECT l.member_id, b.id, true, 20, (l.member_id * 7 + b.id) %% 21, 0, 0, 0, '', 0, %(at)s, 1
FROM members_memberlifecycle l CROSS JOIN entitlements_benefit b WHERE b.code IN ('bench-a', 'bench-b')"""


def term_start(scene: Scene) -> Iterator[dict[str, Any]]:
    """Terms of up to 100,000 members begin: each gets four benefits of her tier."""
    at, ladder = made_at(), _ladder()
    month = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    params = {"at": at, "ladder": ladder.pk, "month": month, "next": month.replace(year=month.year + 1)}
    read_facts(at=at)
    counts = set()

    def restore() -> None:
        counts.add((Grant.objects.count(), Balance.objects.count()))
        execute(_EMPTY)
        execute(_DUE, {"at": at, "limit": STARTING})

    pair = interleaved(
        lambda: settle_due(at=at), lambda: run_sql("term_start", params), runs=scene.runs, restore=restore
    )
    members = Standing.objects.count()
    counts.add((Grant.objects.count(), Balance.objects.count()))
    counts.discard((0, 0))
    if len(counts) != 1:
        raise RuntimeError(f"the two sides gave different rows: {sorted(counts)}")
    yield line(
        "term_start", scene, ours_s=pair.ours_s, limit_s=pair.bare_s, goal="<= 1.5x bare INSERT ... SELECT",
        met=pair.ours_s <= 1.5 * pair.bare_s, starting=members, grants=counts.pop()[0], stack_figure=None,
    )  # fmt: skip
    execute(_EMPTY)


def usage_rate(scene: Scene) -> Iterator[dict[str, Any]]:
    """Everybody's usage rate from two balances each."""
    _ladder()
    _fill_balances(made_at())
    pair = interleaved(
        recompute_rates, lambda: run_sql("usage_rate"), runs=scene.runs,
        restore=lambda: MemberLifecycle.objects.update(usage_rate=None),
    )  # fmt: skip
    yield line(
        "usage_rate", scene, ours_s=pair.ours_s, limit_s=pair.bare_s, goal="<= 1.5x bare UPDATE",
        met=pair.ours_s <= 1.5 * pair.bare_s, balances=Balance.objects.count(), stack_figure=None,
    )  # fmt: skip
    execute(_EMPTY)


def _ladder() -> LadderVersion:
    """Four benefits on every tier, by calendar months, in the ladder in force; none of another benchmark's."""
    ladder = LadderVersion.objects.get(status=LadderVersion.Status.ACTIVE)
    TierBenefit.objects.all().delete()
    execute(_EMPTY)
    for code, amount in AMOUNTS.items():
        kind = Benefit.Kind.ACCESS if amount is None else Benefit.Kind.QUOTA
        benefit, _ = Benefit.objects.get_or_create(
            code=code, defaults={"name": code, "kind": kind, "created_at": ladder.created_at}
        )
        for tier in Tier.objects.all():
            TierBenefit.objects.create(version=ladder, tier=tier, benefit=benefit, amount=amount)
    return ladder


def _fill_balances(at: datetime) -> None:
    execute("INSERT INTO entitlements_standing (member_id, via) SELECT member_id, 'free' FROM members_memberlifecycle")
    execute(_BALANCES, {"at": at})
