"""A merge and its undoing settle everybody at once, and what is counted knows survivors alone."""

import pytest
from django.core.cache import cache

from entitlements.grants.models import Balance
from entitlements.grants.operations.giving import give_grant
from entitlements.usage.operations.consuming import consume
from members.lifecycle import metrics
from members.lifecycle.operations.sweep import catch_up
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from members.segments.models import Segment, SegmentMembership
from members.tags.models import MemberTag
from members.terms.operations import terms
from members.value.figures import moves_between_groups
from members.value.models import GroupChange, MemberValue, RfmThresholds
from members.value.operations.refreshing import THRESHOLD_FIELDS
from members.value.operations.saving import preview_thresholds
from tests.entitlements.world import Ladder, balance, settle
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db


class Scene:
    """Two members of gold, who may use 40 downloads once a term."""

    def __init__(self, period: str = "month") -> None:
        self.world, self.ladder = World(), Ladder()
        self.downloads = self.ladder.benefit("downloads", period=period)
        self.ladder.cell(self.world.gold, self.downloads, 40)
        self.a, self.b = self.world.member(), self.world.member()
        for member in (self.a, self.b):
            terms.purchase(member_id=member.pk, plan=self.world.year, at=moment(0), actor=None)
            settle(member, moment(0))

    def merge(self, day):
        return merge_members(actor=None, at=moment(day), survivor_id=self.a.pk, absorbed_id=self.b.pk)

    def use(self, member, amount, day):
        return consume(member_id=member.pk, benefit=self.downloads, amount=amount, at=moment(day), origin="api").outcome


def test_what_was_given_to_the_absorbed_member_is_usable_at_once():
    scene = Scene()
    give_grant(
        member_id=scene.b.pk, benefit=scene.downloads, amount=500, source="manual", actor=None, at=moment(1)
    )  # fmt: skip
    record = scene.merge(2)
    assert balance(scene.a, scene.downloads) == (540, 0)
    assert scene.use(scene.a, 300, 2) == "used"
    unmerge_members(actor=None, at=moment(3), record_id=record.pk)
    assert Balance.objects.get(member=scene.a).granted == 40
    assert Balance.objects.get(member=scene.b).granted == 540


@pytest.mark.parametrize("period", ["month", "term"])
def test_what_both_used_of_an_allowance_is_used_and_not_given_anew(period):
    scene = Scene(period)
    scene.use(scene.a, 10, 1)
    scene.use(scene.b, 25, 1)
    record = scene.merge(2)
    assert balance(scene.a, scene.downloads) == (40, 35)
    assert scene.use(scene.a, 6, 2) == "limit_reached"
    assert scene.use(scene.a, 4, 2) == "used"
    unmerge_members(actor=None, at=moment(3), record_id=record.pk)
    assert balance(scene.a, scene.downloads) == (40, 14)
    assert balance(scene.b, scene.downloads) == (40, 25)
    again = scene.merge(4)
    assert balance(scene.a, scene.downloads) == (40, 39)
    unmerge_members(actor=None, at=moment(5), record_id=again.pk)
    assert balance(scene.a, scene.downloads) == (40, 14)
    assert balance(scene.b, scene.downloads) == (40, 25)


def test_figures_know_survivors_alone_and_both_after_the_undo():
    scene = Scene()
    pair = (scene.a, scene.b)
    catch_up(member_ids=[member.pk for member in pair], at=moment(1))
    segment = Segment.objects.create(name="S", kind="static", size=2, created_at=moment(0), updated_at=moment(0))
    for member in pair:
        SegmentMembership.objects.create(segment=segment, member=member, entered_at=moment(1))
        MemberTag.objects.create(member=member, code="vip", since=moment(1))
        GroupChange.objects.create(member=member, from_group=1, to_group=2, at=moment(1))
        MemberValue.objects.create(
            member=member,
            computed_at=moment(1),
            rfm_as_of=moment(1),
            maturity_as_of=moment(1),
            risk_as_of=moment(1),
            rfm_group=2,
        )

    def figures() -> list[int]:
        cache.clear()
        segment.refresh_from_db()
        moves = metrics.moves_since(moment(0), key="x")
        return [
            sum(metrics.members_by_state().values()),
            sum(moves.values()),
            segment.size,
            segment.stays.filter(left_at=None).count(),
            MemberTag.objects.filter(code="vip", until=None).count(),
            sum(moves_between_groups(moment(2)).values()),
            sum(members for _, members in preview_counts()),
        ]

    def preview_counts():
        values = {name: getattr(RfmThresholds.objects.get(plan=None), name) for name in THRESHOLD_FIELDS}
        shifts = preview_thresholds(plan_id=None, at=moment(2), values=values)
        return [(shift.now, shift.members) for shift in shifts]

    before = figures()
    record = scene.merge(2)
    assert figures() == [1, before[1] // 2, 1, 1, 1, 1, 1]
    unmerge_members(actor=None, at=moment(2), record_id=record.pk)
    assert figures() == before
    assert before[0] == before[2] == before[3] == before[4] == before[5] == before[6] == 2
