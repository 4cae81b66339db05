"""What a qualification policy's preview says is what happens when it comes into force, member by member."""

import random
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import transaction

from config.staff.access import Role
from entitlements.tiers.models import TierStanding
from entitlements.tiers.operations import assessing, policies
from entitlements.tiers.operations.policies import Asked
from members.foreseen.operations import KEY, kept_changes
from members.foreseen.querysets import FigureAsked
from members.lifecycle.models import MemberLifecycle
from members.plans.models import Tier
from tests import factories
from tests.entitlements.tiers.test_parity import AT, SIZE, Crowd

pytestmark = pytest.mark.django_db

POPULATIONS, POLICIES = 4, 12
# So long ahead the engine writes every downgrade down that it foresees.
AGES = 32_767

Moves = set[tuple[int, str, str]]


def draw_policy(draw: random.Random) -> dict[str, Any]:
    thresholds = {"spend": [0, 100, 300, 500], "active_days": [0, 1, 2, 3], "tenure_days": [30, 365, 700]}
    asked = []
    for tier in Tier.objects.order_by("position"):
        measures = draw.sample(sorted(thresholds), draw.randint(0, 3))
        own = {measure: draw.choice(thresholds[measure]) for measure in measures}
        asked.append(Asked(tier.pk, draw.choice(["all", "any"]), own))
    return {
        "period": draw.choice(["calendar", "anniversary", "rolling"]), "period_months": draw.choice([1, 3, 12, 18]),
        "downgrade": draw.choice(["none", "one_step", "by_balance"]), "grace_days": draw.choice([0, 1, 31, 90]),
        "notice_days": AGES, "plan_is_floor": draw.random() < 0.5, "rungs": asked,
    }  # fmt: skip


def best(tier_ids: Iterable[int | None]) -> str:
    """The number of the highest tier, as previews write it."""
    positions = {tier.pk: tier.position for tier in Tier.objects.all()}
    known = [tier_id for tier_id in tier_ids if tier_id]
    return str(max(known, key=positions.__getitem__)) if known else "none"


def tiers_now() -> dict[int, str]:
    """The tier that counts of each member: the higher of the own and the bought."""
    bought = MemberLifecycle.objects.values_list("member_id", "tier_id")
    own = dict(TierStanding.objects.values_list("member_id", "tier_id"))
    return {pk: best((tier_id, own.get(pk))) for pk, tier_id in bought}


def foreseen_by_the_engine() -> Moves:
    """Who will be downgraded by what the engine wrote."""
    falling = TierStanding.objects.exclude(will_downgrade_at=None)
    rows = falling.values_list("member_id", "qualified_tier_id", "will_downgrade_to_id")
    return {(pk, best((earned,)), best((left,))) for pk, earned, left in rows}


def previewed(seen: dict[str, Any], what: str) -> Moves:
    """The members behind the figures, of which each says how many."""
    found: Moves = set()
    for row in seen["moves" if what == "now" else what]:
        asked = FigureAsked(what, row["from"], row["to"])
        listed = kept_changes(seen[KEY]).members(asked, behind=0, limit=SIZE + 1)
        assert len(listed) == row["members"]
        found |= {(one.member_id, one.before, one.after) for one in listed}
    return found


def put_in_force(values: dict[str, Any]) -> dict[str, Any]:
    """Draft, look ahead, approve and roll out; returns the preview."""
    operator, approver = factories.UserFactory(role=Role.OPERATOR), factories.UserFactory(role=Role.APPROVER)
    draft = policies.REVIEW.propose(actor=operator, at=AT, note="Random", **values)
    seen = policies.REVIEW.look_ahead(draft.pk, at=AT).preview
    assert seen is not None
    policies.REVIEW.submit(draft.pk, actor=operator, at=AT)
    policies.REVIEW.approve(draft.pk, actor=approver, at=AT)
    assert assessing.assess(at=AT).brake is None
    return seen


@pytest.mark.parametrize("seed", range(POPULATIONS))
def test_the_members_previewed_are_those_who_move(seed):
    draw = random.Random(seed)
    Crowd(seed)
    totals: Counter[str] = Counter()
    for number in range(POLICIES):
        with transaction.atomic():
            if number % 2:
                # Members who were assessed before, and not as the crowd comes.
                put_in_force(draw_policy(draw))
            before, values = tiers_now(), draw_policy(draw)
            seen = put_in_force(values)
            after = tiers_now()
            moved = {(pk, before[pk], after[pk]) for pk in before if before[pk] != after[pk]}
            assert previewed(seen, "now") == moved, values
            assert previewed(seen, "later") == foreseen_by_the_engine(), values
            totals["now"] += len(moved)
            totals["later"] += len(previewed(seen, "later"))
            transaction.set_rollback(True)
    assert totals["now"] > POLICIES
    assert totals["later"] > POLICIES
