"""Undoing an import once the engines have been at the members it created: benefits, tiers, tags, scores, segments."""

from datetime import timedelta

import pytest

from entitlements.grants.models import Balance, Grant, Standing
from entitlements.grants.operations.giving import give_grant
from entitlements.grants.operations.settling import adopt_members, settle_due
from entitlements.tiers.models import TierStanding
from entitlements.tiers.operations import assessing
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.consuming import consume
from members.imports.operations.undo import obstacles, start_undo
from members.imports.operations.work import work
from members.people.models import Identity, Member
from members.segments.models import SegmentMembership
from members.segments.operations.refreshing import refresh_all
from members.segments.operations.saving import fill, new_static, save_segment
from members.segments.schema import read_rule
from members.tags.models import Tag
from members.tags.operations.carrying import give_tag
from members.tags.operations.refreshing import refresh_due
from members.value.models import MemberValue
from members.value.operations.refreshing import refresh_now
from tests.entitlements.world import Ladder
from tests.factories import TierFactory
from tests.members.imports.files import again, csv, written

pytestmark = pytest.mark.django_db

PAYING = {
    "version": 1,
    "root": {"kind": "all", "items": [{"kind": "lifecycle.state", "op": "is", "values": ["first_paid"]}]},
}


@pytest.fixture
def benefit(db):
    tier, ladder = TierFactory(code="gold", name="Gold"), Ladder()
    made = ladder.benefit("export")
    ladder.cell(tier, made, 10)
    return made


@pytest.fixture
def run(benefit, operator, at):
    """Three members written, and every engine has been at them."""
    save_segment(rule=read_rule(PAYING), name="All", actor=operator, at=at)
    lines = [f"A{n},gold,2026-11-02,2027-11-01" for n in range(3)]
    made = written(csv("会员编号,会员等级,激活时间,到期时间", lines), actor=operator, at=at)
    moment = at + timedelta(minutes=1)
    adopt_members(at=moment)
    settle_due(at=moment)
    assessing.look_at_everybody(at=moment)
    assessing.assess(at=moment)
    refresh_due(at=moment)
    refresh_all(at=moment)
    refresh_now(at=moment)
    return made


@pytest.fixture
def member(run):
    return Identity.objects.get(value="A1").member


def test_what_the_engines_made_goes_along(run, operator, at):
    made = (Standing, Grant, Balance, TierStanding, MemberValue, SegmentMembership)
    assert all(model.objects.count() == 3 for model in made), [model.objects.count() for model in made]
    assert not obstacles(run)
    later = at + timedelta(hours=1)
    assert start_undo(run_id=run.pk, actor=operator, at=later)
    work(run_id=run.pk, at=later)
    assert again(run).status == "undone"
    assert not any(model.objects.exists() for model in (Member, *made))


@pytest.mark.parametrize("deed", ["use", "grant", "tag", "list"])
def test_what_a_person_or_a_program_did_forbids_it(deed, run, member, benefit, operator, at):
    later, about = at + timedelta(hours=1), {"member_id": member.pk, "at": at + timedelta(hours=1)}
    if deed == "use":
        consume(benefit=benefit, amount=1, origin=UsageRecord.Origin.API, key="k", **about)
    elif deed == "grant":
        give_grant(benefit=benefit, amount=5, source=Grant.Source.MANUAL, actor=operator, **about)
    elif deed == "tag":
        tag = Tag.objects.create(code="vip", name="VIP", upkeep=Tag.Upkeep.HAND, created_at=at, updated_at=at)
        give_tag(tag_id=tag.pk, actor=operator, **about)
    else:
        fill(
            new_static("Fixed", actor=operator, at=later, name_zh="", rule=None),
            Member.objects.filter(pk=member.pk),
            later,
        )
    assert [ids for _, _, ids in obstacles(run).found] == [[member.pk]]
