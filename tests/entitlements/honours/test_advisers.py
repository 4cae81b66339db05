"""Advisers: given one by one or to all who wait, evenly, and only while a benefit gives one."""

from collections import Counter

import pytest

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from config.staff.access import Role
from entitlements.grants.models import Grant
from entitlements.honours.console.pages import Advisers
from entitlements.honours.console.portrait import MemberHonours
from entitlements.honours.models import AdviserAssignment
from entitlements.honours.operations.advising import assign_adviser, spread_members, unassign_adviser
from members.merging.operations.merging import merge_members
from members.people.console.timeline import read
from tests import factories
from tests.entitlements.honours.conftest import DAY, NOW, spread
from tests.entitlements.making import balance

pytestmark = pytest.mark.django_db


def loads() -> list[int]:
    counts = Counter(AdviserAssignment.objects.current().values_list("adviser_id", flat=True))
    return sorted(counts.values())


def test_those_who_wait_are_spread_evenly(entitled, colleagues):
    entitled(10)
    factories.make_member(at=NOW - DAY)  # No benefit was settled for her.
    got = spread(colleagues)
    assert sorted(got.values()) == [3, 3, 4] == loads()
    assert spread(colleagues) == {}
    entry = AuditEntry.objects.filter(action="adviser.spread").earliest("pk")
    assert entry.data["members"] == 10


def test_whoever_has_fewer_gets_more(entitled, colleagues):
    members = entitled(4)
    for member in members:
        assign_adviser(member_id=member.pk, adviser_id=colleagues[0].pk, actor=None, at=NOW)
    entitled(5)
    assert spread(colleagues) == {colleagues[1].pk: 3, colleagues[2].pk: 2}
    assert loads() == [2, 3, 4]


def test_a_load_is_of_those_who_are_entitled_now(entitled, colleagues):
    gone = entitled(6)
    for member in gone:
        assign_adviser(member_id=member.pk, adviser_id=colleagues[0].pk, actor=None, at=NOW)
    benefit = Grant.objects.filter(member=gone[0]).get().benefit
    for member in gone:
        Grant.objects.filter(member=member).update(voided_at=NOW, void_reason="hand")
        member.balances.update(is_open=False)
    entitled(6)
    assert set(spread(colleagues).values()) == {2}
    assert MemberHonours(gone[0].pk, NOW + DAY).assignment is None, benefit
    page = Advisers()
    assert (page.entitled, page.assigned, page.waiting) == (6, 6, 0)


def test_an_account_that_was_switched_off_looks_after_nobody(entitled, colleagues):
    members = entitled(3)
    spread(colleagues[:1])
    colleagues[0].is_active = False
    colleagues[0].save()
    assert MemberHonours(members[0].pk, NOW).assignment is None
    assert Advisers().waiting == 3
    with pytest.raises(Refused, match="not_staff"):
        spread(colleagues)
    assert sum(spread(colleagues[1:], at=NOW + DAY).values()) == 3
    assert AdviserAssignment.objects.filter(adviser=colleagues[0], ended_at=NOW + DAY).count() == 3


def test_assigned_changed_and_taken_away(entitled, colleagues, operator):
    (member,) = entitled(1)
    first = assign_adviser(member_id=member.pk, adviser_id=colleagues[0].pk, actor=operator, at=NOW)
    assert assign_adviser(member_id=member.pk, adviser_id=colleagues[0].pk, actor=operator, at=NOW).pk == first.pk
    assign_adviser(member_id=member.pk, adviser_id=colleagues[1].pk, actor=operator, at=NOW + DAY)
    assert MemberHonours(member.pk, NOW + DAY).assignment.adviser == colleagues[1]
    unassign_adviser(member_id=member.pk, actor=operator, at=NOW + 2 * DAY)
    assert MemberHonours(member.pk, NOW + 2 * DAY).assignment is None
    with pytest.raises(Refused, match="none_assigned"):
        unassign_adviser(member_id=member.pk, actor=operator, at=NOW + 2 * DAY)
    told = [str(entry.title) for entry in read(member.pk, until=NOW + 3 * DAY, only="adviser").entries]
    first_name, second_name = colleagues[0].shown_name, colleagues[1].shown_name
    assert told[0] == f"Adviser no more: {second_name}"
    assert told[-1] == f"Adviser: {first_name}"
    assert sorted(told[1:3]) == [f"Adviser no more: {first_name}", f"Adviser: {second_name}"]


def test_who_is_not_entitled_or_no_colleague_is_refused(entitled, colleagues):
    stranger, (member,) = factories.make_member(at=NOW), entitled(1)
    viewer = factories.UserFactory(role=Role.VIEWER)
    for member_id, adviser_id, code in (
        (stranger.pk, colleagues[0].pk, "not_entitled"), (member.pk, viewer.pk, "not_staff"),
        (member.pk, 0, "not_staff"), (0, colleagues[0].pk, "member_gone"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=code):
            assign_adviser(member_id=member_id, adviser_id=adviser_id, actor=None, at=NOW)
    with pytest.raises(Refused, match="nobody_chosen"):
        spread_members(adviser_ids=[], actor=None, at=NOW)
    assert not AdviserAssignment.objects.exists()


def test_merged_the_first_adviser_stays(entitled, colleagues, operator):
    kept, gone = entitled(2)
    assign_adviser(member_id=gone.pk, adviser_id=colleagues[0].pk, actor=None, at=NOW)
    assign_adviser(member_id=kept.pk, adviser_id=colleagues[1].pk, actor=None, at=NOW + DAY)
    merge_members(actor=operator, at=NOW + DAY, survivor_id=kept.pk, absorbed_id=gone.pk)
    benefit = Grant.objects.filter(member=kept).first().benefit
    balance(kept, benefit, NOW + DAY)
    assert MemberHonours(kept.pk, NOW + DAY).assignment.adviser == colleagues[0]
