"""What a lifecycle policy's preview says is what happens when it comes into force, member by member."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from config.staff.access import Role
from members.foreseen.operations import KEY, kept_changes
from members.foreseen.querysets import FigureAsked
from members.lifecycle.lifecycle import State
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations import policies, sweep
from tests import factories
from tests.members.lifecycle.test_engine import meet
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db

POPULATIONS, POLICIES, MEMBERS, DAYS = 4, 15, 36, 150
KINDS = ["buy", "buy", "buy_week", "renew", "trial", "gift", "refund", "auto_on", "auto_off", "failed", "void"]
LOOKED = moment(DAYS) + timedelta(hours=1)


def populate(draw: random.Random) -> None:
    """Members with random histories, most of them around the end, judged as they stand then."""
    world = World(source_since=draw.choice([-10, None]))
    with sweep.judged_later():
        for _ in range(MEMBERS):
            member = world.member(draw.randint(0, DAYS - 40))
            facts = [(DAYS - draw.expovariate(1 / 35), draw.choice(KINDS)) for _ in range(draw.randint(1, 5))]
            facts += [(DAYS - draw.expovariate(1 / 15), "visit") for _ in range(draw.choice([0, 3, 25]))]
            facts += [(DAYS - draw.expovariate(1 / 15), "uninstall")] * draw.choice([0, 0, 0, 1])
            # Some are in their grace, or about to be.
            facts += [(DAYS - draw.uniform(7, 11), "buy_week")] * draw.choice([0, 0, 1])
            for day, kind in sorted(facts):
                if day > 0:
                    meet(world, member, kind, moment(day, 0))
    sweep.sweep_unbraked(at=moment(DAYS), policy=sweep.active_policy())


def draw_policy(draw: random.Random) -> dict[str, Any]:
    enter, weeks = draw.randint(1, 12), draw.randint(1, 6)
    values = {
        "expiring_window_days": draw.randint(0, 60), "expiring_fraction": draw.choice([0.0, 0.25, 0.5, 1.0]),
        "silent_days": draw.randint(1, 60), "tenure_days": draw.randint(0, 120), "stable_of_weeks": weeks,
        "stable_active_weeks": draw.randint(0, weeks), "active_days_enter": enter,
        "active_days_keep": draw.randint(0, enter), "active_window_days": draw.randint(1, 60),
        "churn_after_days": draw.randint(0, 60), "grace_days": draw.randint(1, 3),
        "settlement_hours": draw.choice([0, 24, 72]),
    }  # fmt: skip
    # Most drafts change a few thresholds.
    return values if draw.random() < 0.5 else dict(draw.sample(sorted(values.items()), 2)) | _together(values)


def _together(values: dict[str, Any]) -> dict[str, Any]:
    names = ("stable_of_weeks", "stable_active_weeks", "active_days_enter", "active_days_keep")
    return {name: values[name] for name in names}


def places() -> dict[int, tuple[str | None, str]]:
    """The state of each member, and the status with the tier."""
    rows = MemberLifecycle.objects.values_list("member_id", "lifecycle_state", "membership_status", "tier_id")
    return {pk: (state, f"{status}:{tier or 'none'}") for pk, state, status, tier in rows}


def members_of(preview: dict[str, Any], what: str, row: dict[str, Any]) -> list[int]:
    asked = FigureAsked(what, row["from"], row["to"])
    return [found.member_id for found in kept_changes(preview[KEY]).members(asked, behind=0, limit=MEMBERS + 1)]


def put_in_force(values: dict[str, Any]) -> dict[str, Any]:
    """Draft, look ahead, and have it rolled out; returns the preview with the members behind each figure."""
    operator, approver = factories.UserFactory(role=Role.OPERATOR), factories.UserFactory(role=Role.APPROVER)
    draft = policies.REVIEW.propose(actor=operator, at=LOOKED, note="Random", **values)
    seen = policies.REVIEW.look_ahead(draft.pk, at=LOOKED).preview
    assert seen is not None
    figures = {"state": seen["moves"], "standing": seen["standings"]}
    for what, rows in figures.items():
        for row in rows:
            row["ids"] = members_of(seen, what, row)
            assert len(row["ids"]) == row["members"]
    policies.REVIEW.submit(draft.pk, actor=operator, at=LOOKED)
    policies.REVIEW.approve(draft.pk, actor=approver, at=LOOKED)
    policies.roll_out_policy(at=LOOKED)
    return figures


@pytest.mark.parametrize("seed", range(POPULATIONS))
def test_the_members_previewed_are_those_who_move(seed):
    draw = random.Random(seed)
    populate(draw)
    before, totals = places(), Counter()
    for _ in range(POLICIES):
        values = draw_policy(draw)
        if all(getattr(sweep.active_policy(), name) == value for name, value in values.items()):
            continue
        with transaction.atomic():
            figures = put_in_force(values)
            after = places()
            for side, what in enumerate(("state", "standing")):
                moved = {
                    (pk, before[pk][side], after[pk][side])
                    for pk in before
                    if before[pk][0] and before[pk][side] != after[pk][side]
                }
                previewed = {(pk, row["from"], row["to"]) for row in figures[what] for pk in row["ids"]}
                assert previewed == moved, values
                totals[what] += len(moved)
            transaction.set_rollback(True)
    assert totals["state"] > POLICIES
    assert totals["standing"]
    assert {state for state, _ in before.values()} > {State.PROSPECT, State.FIRST_PAID, State.EXPIRED, State.CHURNED}
