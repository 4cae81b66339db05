"""What a ladder's draft says of members is what happens when it comes into force, member by member."""

import random
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Q

from config.staff.access import Role
from entitlements.benefits.models import Benefit, LadderVersion
from entitlements.grants.models import Grant
from entitlements.grants.operations.settling import settle_due, settle_members
from entitlements.ladder import operations
from entitlements.ladder.changes import changes_of, foresee
from entitlements.ladder.console.matrix import Ladder
from entitlements.memory.models import RenewalLock
from entitlements.tiers.models import TierStanding
from entitlements.usage.operations.consuming import consume
from members.foreseen.querysets import FigureAsked
from members.merging.operations.merging import merge_members
from members.plans.models import Plan, Tier
from tests import factories
from tests.entitlements.making import AT, DAY, give, make_benefit

pytestmark = pytest.mark.django_db

POPULATIONS, DRAFTS, MEMBERS = 4, 12, 40
LEVELS = ["720p", "1080p", "4K"]

# (member, benefit, what they have of it before, and after)
Moves = set[tuple[int, int, str, str]]


class Crowd:
    """Members in terms, in the grace, lapsed, with earned tiers and locked renewals; a ladder with random cells."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.tiers = [factories.TierFactory(code=f"t{n}", position=n) for n in (1, 2, 3)]
        self.plans = [factories.PlanFactory(code=f"p{n}", tier=draw.choice(self.tiers)) for n in range(4)]
        self.benefits = [make_benefit() for _ in range(3)]
        self.benefits += [make_benefit(kind="access", levels=LEVELS) for _ in range(2)]
        self.benefits.append(make_benefit(unlocked_by=self.benefits[0], unlocked_after=1))
        self.places: list[Tier | Plan | None] = [None, *self.tiers, *self.plans]
        for place in self.places:
            for benefit in self.benefits:
                if draw.random() < 0.6:
                    give(benefit, place, **self.cell(benefit, place))
        self.benefits.append(make_benefit(is_archived=True))
        self.members = [self.member() for _ in range(MEMBERS)]
        # Two who turn out to be one.
        self.members += [factories.make_member(at=AT - 200 * DAY).pk for _ in range(2)]
        settle_members(member_ids=self.members, at=AT)
        for pk in draw.sample(self.members, MEMBERS // 3):
            consume(member_id=pk, benefit=self.benefits[0], amount=1, at=AT, origin="api")
        admin = factories.UserFactory(role=Role.ADMIN)
        merge_members(actor=admin, at=AT, survivor_id=self.members[-1], absorbed_id=self.members[-2])
        settle_members(member_ids=self.members, at=AT)

    def cell(self, benefit: Benefit, place: Tier | Plan | None) -> dict[str, Any]:
        draw = self.draw
        values: dict[str, Any] = {
            "amount": draw.choice([None, 1, 2, 5]) if benefit.has_limit else None,
            "level": draw.choice(["", *LEVELS]) if benefit.levels else "",
        }
        if not isinstance(place, Plan):
            values |= {"is_held_in_grace": draw.random() < 0.5, "early_hours": draw.choice([0, 0, 24])}
        return values

    def member(self) -> int:
        draw = self.draw
        member = factories.make_member(at=AT - 200 * DAY)
        plan, kind = draw.choice(self.plans), draw.choice(["never", "runs", "runs", "grace", "lapsed", "locked"])
        begun = {"runs": 5, "grace": 33, "lapsed": 90, "locked": 40}.get(kind)
        if begun is not None:
            first = factories.make_term(member=member, at=AT - begun * DAY, plan=plan)
            if kind == "locked":
                factories.make_term(member=member, at=AT - (begun - 1) * DAY, plan=plan)
                RenewalLock.objects.create(
                    member=member, term=first, ladder=LadderVersion.objects.get(status="active"), price_cents=1,
                    locked_at=AT - begun * DAY, until=AT,
                )  # fmt: skip
        if draw.random() < 0.25:
            TierStanding.objects.create(
                member=member, tier=draw.choice(self.tiers), via="qualified", since=AT - 9 * DAY
            )
        return member.pk

    def change_cells(self, actor: Any) -> LadderVersion:
        """A draft that changes some cells, of which no two are the same."""
        on = [(benefit, place) for benefit in self.benefits for place in self.places]
        for benefit, place in self.draw.sample(on, self.draw.choice([1, 2, 5, 12])):
            values = self.cell(benefit, place) if self.draw.random() < 0.75 else None
            tier, plan = (None, place) if isinstance(place, Plan) else (place, None)
            draft = operations.set_cell(benefit=benefit, tier=tier, plan=plan, values=values, actor=actor, at=AT)
        return draft


def given_now() -> dict[tuple[int, int], str]:
    """What each member has of each benefit by the ladder, as previews write it."""
    in_force = Grant.objects.filter(Q(expires_at=None) | Q(expires_at__gt=AT), voided_at=None, effective_at__lte=AT)
    rows = in_force.filter(source__in=["term", "grace", "tier", "free"])
    return {
        (row.member_id, row.benefit_id): f"{'' if row.amount is None else row.amount}/{row.early_hours}/{row.level}"
        for row in rows
    }


def previewed(draft: LadderVersion) -> Moves:
    """The members behind the figures that the page of the draft shows."""
    active = operations.active_ladder()
    found: Moves = set()
    kept = foresee(changes_of(draft, active), active, draft, at=AT)
    for shown in Ladder(AT).impacts:
        change = shown.impact.change
        figures = [figure for figure in kept.figures() if figure.what == change.code]
        assert sum(figure.members for figure in figures) == shown.impact.members
        for figure in figures:
            listed = kept.members(FigureAsked(figure.what, figure.before, figure.after), behind=0, limit=2 * MEMBERS)
            assert len(listed) == figure.members
            found |= {(one.member_id, change.benefit.pk, one.before, one.after) for one in listed}
    return found


@pytest.mark.parametrize("seed", range(POPULATIONS))
def test_the_members_previewed_are_those_whose_benefits_change(seed):
    draw = random.Random(seed)
    crowd = Crowd(draw)
    operator, approver = factories.UserFactory(role=Role.OPERATOR), factories.UserFactory(role=Role.APPROVER)
    before, changed = given_now(), 0
    for _ in range(DRAFTS):
        with transaction.atomic():
            draft = crowd.change_cells(operator)
            if changes_of(draft, operations.active_ladder()):
                seen = previewed(draft)
                operations.submit_ladder(version_id=draft.pk, actor=operator, at=AT, note="Random")
                operations.REVIEW.approve(draft.pk, actor=approver, at=AT)
                settle_due(at=AT)
                after = given_now()
                moved = {
                    (*key, before.get(key, "none"), after.get(key, "none"))
                    for key in {*before, *after} if before.get(key) != after.get(key)
                }  # fmt: skip
                assert seen == moved
                changed += len(moved)
            transaction.set_rollback(True)
    assert changed > DRAFTS
