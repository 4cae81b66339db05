"""Lists of a year: who is on them, in which order, given once, taken back."""

from datetime import UTC, datetime, timedelta

import pytest

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from entitlements.grants.models import Balance, Grant
from entitlements.grants.operations.giving import void_grant
from entitlements.honours.console.portrait import MemberHonours
from entitlements.honours.models import HonourAward, HonourRun
from entitlements.honours.operations import running
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from members.people.console.timeline import read
from tests.entitlements.honours.conftest import DAY, NOON, NOW, counted, given, make_honour, ranks

pytestmark = pytest.mark.django_db


def test_the_first_by_value_are_placed_and_the_next_is_told(shop):
    values = [500, 900, 100, 700, 300]
    members = [shop.member(cents) for cents in values]
    shop.member(0)
    run = counted(make_honour())
    assert ranks(run) == [(1, members[1].pk, 900), (2, members[3].pk, 700), (3, members[0].pk, 500)]
    assert (run.members, run.placed, run.next_value) == (5, 3, 300)


def test_of_equal_values_the_older_member_stands_first_then_the_lower_number(shop):
    late = shop.member(500, joined=NOON - 10 * DAY)
    early = shop.member(500, joined=NOON - 200 * DAY)
    same = [shop.member(500, joined=NOON - 50 * DAY) for _ in range(2)]
    run = counted(make_honour(top=4))
    assert [member for _rank, member, _value in ranks(run)] == [early.pk, same[0].pk, same[1].pk, late.pk]


def test_a_year_is_her_own_calendar_year(shop):
    """Midnight of January 1 in Shanghai is 16:00 UTC of December 31."""
    midnight = datetime(2025, 12, 31, 16, tzinfo=UTC)
    inside, outside = shop.member(100, midnight - timedelta(seconds=1)), shop.member(100, midnight)
    first = shop.member(100, datetime(2024, 12, 31, 16, tzinfo=UTC))
    shop.member(100, datetime(2024, 12, 31, 15, 59, tzinfo=UTC))
    on_list = {member for _rank, member, _value in ranks(counted(make_honour()))}
    assert on_list == {inside.pk, first.pk}
    assert outside.pk not in on_list


@pytest.mark.parametrize(
    ("at", "refused"),
    [(datetime(2026, 1, 1, 11, 59, tzinfo=UTC), True), (datetime(2026, 1, 1, 12, tzinfo=UTC), False)],
)
def test_a_year_that_is_not_over_everywhere_is_refused(db, at, refused):
    honour = make_honour()
    if refused:
        with pytest.raises(Refused, match="year_running"):
            running.begin_run(honour_id=honour.pk, year=2025, actor=None, at=at)
        assert not HonourRun.objects.exists()
    else:
        assert running.begin_run(honour_id=honour.pk, year=2025, actor=None, at=at)


def test_given_everybody_on_the_list_wears_it_and_has_the_benefit_as_long(shop, frame, operator):
    first, second, third = (shop.member(cents) for cents in (900, 700, 100))
    honour = make_honour(top=2, benefit=frame, worn_days=10)
    run = counted(honour)
    assert not MemberHonours(first.pk, NOW).awards, "a draft gives nothing"
    running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=operator, at=NOW)
    for member, rank in ((first, 1), (second, 2)):
        worn = MemberHonours(member.pk, NOW)
        assert [award.rank for award in worn.awards] == [rank]
        assert worn.frame is not None
        assert worn.frame.benefit_id == frame.pk
        assert Balance.objects.get(member=member, benefit=frame).is_open
    assert MemberHonours(third.pk, NOW).is_empty
    late = MemberHonours(first.pk, NOW + 10 * DAY)
    assert late.is_empty
    entry = AuditEntry.objects.get(action="honour.run_given")
    assert (entry.actor, entry.data["members"], entry.data["year"]) == (operator, 2, 2025)


def test_the_same_year_is_given_once(shop, frame):
    shop.member(900)
    honour = make_honour(benefit=frame)
    run = given(honour)
    with pytest.raises(Refused, match="decided"):
        running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=None, at=NOW)
    with pytest.raises(Refused, match="live_run"):
        running.begin_run(honour_id=honour.pk, year=2025, actor=None, at=NOW)
    assert running.count_run(run_id=run.pk, at=NOW) is None
    assert Grant.objects.filter(benefit=frame).count() == 1 == HonourAward.objects.count()


def test_taken_back_nobody_wears_it_and_the_year_can_be_given_again(shop, frame):
    member = shop.member(900)
    honour = make_honour(benefit=frame)
    run = given(honour)
    running.void_run(run_id=run.pk, actor=None, at=NOW + DAY, reason="Wrong year")
    assert MemberHonours(member.pk, NOW + DAY).is_empty
    assert not Balance.objects.get(member=member, benefit=frame).is_open
    with pytest.raises(Refused, match="not_given"):
        running.void_run(run_id=run.pk, actor=None, at=NOW + DAY, reason="Again")
    again = given(honour, at=NOW + 2 * DAY)
    assert [award.run_id for award in MemberHonours(member.pk, NOW + 2 * DAY).awards] == [again.pk]
    assert Grant.objects.filter(benefit=frame, voided_at=None).count() == 1
    titles = [(entry.title, str(entry.chip)) for entry in read(member.pk, until=NOW + 3 * DAY, only="honour").entries]
    assert titles == [("Honour: Friend 2025", ""), ("Honour: Friend 2025", "Taken back")]


def test_a_grant_that_was_voided_by_hand_does_not_hinder_the_taking_back(shop, frame):
    members = [shop.member(900), shop.member(800)]
    run = given(make_honour(benefit=frame))
    grant = Grant.objects.get(member=members[0], benefit=frame)
    void_grant(grant_id=grant.pk, actor=None, at=NOW + DAY, reason="R")
    running.void_run(run_id=run.pk, actor=None, at=NOW + 2 * DAY, reason="R")
    assert AuditEntry.objects.get(action="honour.run_voided").data["grants"] == 1


def test_a_list_that_is_another_one_by_now_is_not_given(shop):
    shop.member(900)
    run = counted(make_honour())
    looked_at = run.counted_at
    shop.member(950)
    running.recount_run(run_id=run.pk, actor=None, at=NOW + DAY)
    with pytest.raises(Refused, match="changed"):
        running.confirm_run(run_id=run.pk, counted_at=looked_at, actor=None, at=NOW + DAY)
    assert running.count_waiting(at=NOW + DAY) == 1
    with pytest.raises(Refused, match="changed"):
        running.confirm_run(run_id=run.pk, counted_at=looked_at, actor=None, at=NOW + DAY)
    assert not HonourAward.objects.worn(NOW + DAY).exists()
    found = HonourRun.objects.get()
    running.confirm_run(run_id=run.pk, counted_at=found.counted_at, actor=None, at=NOW + DAY)
    assert [value for _rank, _member, value in ranks(run)] == [950, 900]


def test_an_empty_list_and_one_with_an_archived_benefit_give_nothing(shop, frame):
    run = counted(make_honour())
    with pytest.raises(Refused, match="nobody"):
        running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=None, at=NOW)
    running.discard_run(run_id=run.pk, actor=None, at=NOW)
    shop.member(900)
    honour = make_honour(code="other", benefit=frame)
    run = counted(honour)
    frame.is_archived = True
    frame.save()
    with pytest.raises(Refused, match="archived"):
        running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=None, at=NOW)
    assert HonourRun.objects.get(pk=run.pk).is_draft
    assert not Grant.objects.exists()


def test_merged_the_better_place_stays_and_comes_apart_again(shop, frame, operator):
    best, worse = shop.member(900), shop.member(700)
    given(make_honour(benefit=frame))
    merge = merge_members(actor=operator, at=NOW + DAY, survivor_id=worse.pk, absorbed_id=best.pk)
    assert [award.rank for award in MemberHonours(worse.pk, NOW + DAY).awards] == [1]
    assert MemberHonours(worse.pk, NOW + DAY).frame is not None
    unmerge_members(record_id=merge.pk, actor=operator, at=NOW + DAY)
    assert [award.rank for award in MemberHonours(best.pk, NOW + DAY).awards] == [1]
    assert [award.rank for award in MemberHonours(worse.pk, NOW + DAY).awards] == [2]


def test_members_merged_since_the_list_was_counted_hold_it_up(shop, operator):
    members = [shop.member(900), shop.member(700)]
    run = counted(make_honour())
    merge_members(actor=operator, at=NOW, survivor_id=members[0].pk, absorbed_id=members[1].pk)
    with pytest.raises(Refused, match="changed"):
        running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=None, at=NOW)


def test_a_code_is_taken_once_and_a_measure_is_one_that_somebody_registered(db):
    honour = make_honour()
    with pytest.raises(Refused, match="code_taken"):
        make_honour()
    with pytest.raises(Refused, match="measure"):
        make_honour(code="other", measure="steps")
    assert running.save_honour(honour_id=honour.pk, actor=None, at=NOW, top=9).top == 9
