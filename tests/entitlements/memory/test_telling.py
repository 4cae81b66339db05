"""A loss and a return are told, and the effect of a rule is known before."""

import pytest

from config.engine.refusal import Refused
from entitlements.memory.models import EntitlementSnapshot, RestoreRule
from entitlements.memory.operations.rules import effect_of
from members.people.console import timeline
from members.terms.models import MembershipTerm
from tests.entitlements.memory.scene import rule
from tests.members.world import moment

pytestmark = pytest.mark.django_db


def test_the_timeline_tells_the_loss_and_the_return(scene):
    scene.lapse()
    scene.buy(50)
    page = timeline.read(scene.member.pk, until=moment(60), only="memory")
    assert [str(entry.title) for entry in page.entries] == [
        "Returned: 4 benefits restored", "Benefits ended: Black kept in memory",
    ]  # fmt: skip
    first = timeline.read(scene.member.pk, until=moment(60), only="memory", limit=1)
    rest = timeline.read(scene.member.pk, until=moment(60), only="memory", limit=1, before=first.earlier)
    assert [str(e.title) for e in rest.entries] == ["Benefits ended: Black kept in memory"]


@pytest.mark.parametrize("begins", [50, 45])
def test_in_the_timeline_the_return_stands_right_above_the_term_that_caused_it(scene, begins):
    scene.lapse()
    term = scene.buy(50)
    # A term may begin before it is recorded.
    MembershipTerm.objects.filter(pk=term.pk).update(starts_at=moment(begins))
    EntitlementSnapshot.objects.filter(member=scene.member).update(returned_at=moment(begins))
    seen, before = [], None
    while not seen or before:
        page = timeline.read(scene.member.pk, until=moment(60), before=before, limit=1)
        seen += [entry.source for entry in page.entries]
        before = page.earlier
    assert seen.count("memory") == 2
    assert seen[seen.index("memory") + 1] == "term"


def test_the_effect_of_a_rule_is_known_before(scene):
    scene.lapse()
    at = moment(50)
    assert effect_of(RestoreRule(mode="younger", younger_than_days=15), at=at).too_old == 1
    assert effect_of(RestoreRule(mode="younger", younger_than_days=16), at=at).restored == 1
    assert effect_of(RestoreRule(mode="everything", younger_than_days=1), at=at).restored == 1
    assert effect_of(RestoreRule(mode="nothing", younger_than_days=1), at=at).restored == 0


def test_rules_come_in_versions(admin):
    first = RestoreRule.objects.get()
    with pytest.raises(Refused, match="unchanged"):
        rule(admin, mode=first.mode)
    RestoreRule.objects.exclude(pk=first.pk).delete()
    second = rule(admin, mode="everything")
    assert (second.version, second.younger_than_days) == (2, first.younger_than_days)
    first = RestoreRule.objects.get(pk=first.pk)
    assert (first.mode, first.status, second.status) == ("younger", "retired", "active")
