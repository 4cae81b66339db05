"""Terms of both in one queue, and taken apart as if they had never been one."""

from datetime import timedelta
from itertools import pairwise

import pytest

from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import catch_up
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from members.plans.models import Tier
from members.tags.models import MemberTag
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests import factories
from tests.conftest import AT
from tests.members.merging.people import DAY, make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def plans():
    gold = factories.TierFactory(code="gold", position=2)
    black = factories.TierFactory(code="black", position=5)
    return {
        "gold": factories.PlanFactory(code="gold-30", tier=gold, duration_unit="day", duration_count=30, trial_days=14),
        "black": factories.PlanFactory(code="black-30", tier=black, duration_unit="day", duration_count=30),
    }


@pytest.fixture
def pair():
    return make_person(AT - 200 * DAY, 1), make_person(AT - 200 * DAY, 2)


def buy(member, plan, at):
    return terms.purchase(member_id=member.pk, plan=plan, at=at, actor=None)


def merge(pair, at=AT):
    return merge_members(actor=None, at=at, survivor_id=pair[0].pk, absorbed_id=pair[1].pk)


def undo(record, at):
    return unmerge_members(actor=None, at=at, record_id=record.pk)


def ahead(member, at):
    """What runs and waits: (order, tier, start or the instant, end), in order of time."""
    rows = MembershipTerm.objects.filter(member=member, closed_at=None, ends_at__gt=at, voided_at=None)
    return [(row.order_id, row.tier.code, max(row.starts_at, at), row.ends_at) for row in rows.order_by("starts_at")]


def state(member):
    row = MemberLifecycle.objects.get(pk=member.pk)
    return row.lifecycle_state, row.resume_state, row.expiration_time, row.tier_id, row.membership_status


def look(*members, at):
    for member in members:
        MemberLifecycle.objects.filter(pk=member.pk).mark_due(at)
        catch_up(member_ids=[member.pk], at=at)


def test_both_running_terms_are_kept_and_the_second_waits(pair, plans):
    a, b = pair
    mine, theirs = buy(a, plans["gold"], AT - 10 * DAY), buy(b, plans["gold"], AT - 4 * DAY)
    merge(pair)
    left = theirs.ends_at - AT
    assert ahead(a, AT) == [
        (mine.pk, "gold", AT, mine.ends_at), (theirs.pk, "gold", mine.ends_at, mine.ends_at + left)
    ]  # fmt: skip
    rows = [row for row in a.terms.all() if row.effective_ends_at > row.starts_at]
    assert (
        sum((min(row.effective_ends_at, AT) - row.starts_at for row in rows if row.starts_at < AT), DAY * 0) == 10 * DAY
    )


def test_the_higher_tier_of_the_other_runs_now(pair, plans):
    a, b = pair
    mine, theirs = buy(a, plans["gold"], AT - 10 * DAY), buy(b, plans["black"], AT - 4 * DAY)
    merge(pair)
    assert [(order, tier) for order, tier, _, _ in ahead(a, AT)] == [(theirs.pk, "black"), (mine.pk, "gold")]
    assert MemberLifecycle.objects.get(pk=a.pk).tier.code == "black"
    assert ahead(a, AT)[-1][-1] - AT == (mine.ends_at - AT) + (theirs.ends_at - AT)


@pytest.mark.parametrize("days", [0, 5, 20, 40, 70])
@pytest.mark.parametrize("tier", ["gold", "black"])
def test_taken_apart_each_has_what_they_would_have(pair, plans, days, tier):
    a, b = pair
    buy(a, plans["gold"], AT - 10 * DAY)
    buy(b, plans[tier], AT - 4 * DAY)
    buy(b, plans["gold"], AT - 3 * DAY)
    later = AT + days * DAY
    before = [ahead(member, AT) for member in pair]
    record = merge(pair)
    undo(record, later)
    for member, was in zip(pair, before, strict=True):
        assert ahead(member, later) == [
            (order, code, max(start, later), end) for order, code, start, end in was if end > later
        ]


def test_the_absorbed_members_state_goes_on_as_it_was(pair, plans):
    a, b = pair
    control = make_person(AT - 200 * DAY, 9)
    for member in (b, control):
        for n in range(4):
            buy(member, plans["gold"], AT - (119 - 30 * n) * DAY)
    look(a, b, control, at=AT)
    assert state(b) == state(control)
    record = merge(pair)
    undo(record, AT + 6 * DAY)
    look(a, b, control, at=AT + 6 * DAY)
    assert state(b) == state(control)
    assert state(a)[0] == "prospect"
    log = [
        list(m.transitions.order_by("pk").values_list("effective_at", "from_state", "to_state")) for m in (b, control)
    ]
    assert log[0] == log[1]
    assert not MemberTag.objects.filter(code="returned").exists()


def test_what_was_bought_while_merged_is_the_survivors_as_if_bought_alone(pair, plans):
    a, b = pair
    theirs = buy(b, plans["gold"], AT - 4 * DAY)
    record = merge(pair)
    mine = buy(a, plans["gold"], AT + 2 * DAY)
    assert mine.starts_at == theirs.ends_at
    undo(record, AT + 5 * DAY)
    assert ahead(b, AT + 5 * DAY) == [(theirs.pk, "gold", AT + 5 * DAY, theirs.ends_at)]
    ((order, _, start, end),) = ahead(a, AT + 5 * DAY)
    assert (order, start, end) == (mine.pk, AT + 5 * DAY, AT + 2 * DAY + (mine.ends_at - mine.starts_at))
    assert MemberLifecycle.objects.get(pk=a.pk).membership_status == "active"


def test_an_order_taken_back_while_merged_stays_taken_back(pair, plans):
    a, b = pair
    mine, theirs = buy(a, plans["gold"], AT - 10 * DAY), buy(b, plans["black"], AT - 4 * DAY)
    second = buy(b, plans["gold"], AT - 3 * DAY)
    record = merge(pair)
    terms.refund_term(term_id=theirs.pk, at=AT + 3 * DAY, actor=None, reason="x")
    undo(record, AT + 5 * DAY)
    assert ahead(a, AT + 5 * DAY) == [(mine.pk, "gold", AT + 5 * DAY, mine.ends_at)]
    ((order, _, _, end),) = ahead(b, AT + 5 * DAY)
    assert (order, end) == (second.pk, AT + 3 * DAY + (second.ends_at - second.starts_at))
    assert set(MembershipTerm.objects.filter(origin=theirs).values_list("member_id", flat=True)) <= {b.pk}


def test_an_order_set_aside_while_merged_goes_back_whole(pair, plans):
    a, b = pair
    theirs = buy(b, plans["gold"], AT - 4 * DAY)
    record = merge(pair)
    buy(a, plans["black"], AT + DAY)
    undo(record, AT + 2 * DAY)
    assert ahead(b, AT + 2 * DAY) == [(theirs.pk, "gold", AT + 2 * DAY, theirs.ends_at)]
    assert [tier for _, tier, _, _ in ahead(a, AT + 2 * DAY)] == ["black"]
    assert Tier.objects.filter(code="black").exists()


def test_past_terms_of_both_for_the_same_days_are_told_once(pair, plans):
    a, b = pair
    for member, day in ((a, 90), (b, 80), (b, 45), (a, 44)):
        buy(member, plans["gold"], AT - day * DAY)
    record = merge(pair)
    rows = sorted((r for r in a.terms.all() if r.effective_ends_at > r.starts_at), key=lambda row: row.starts_at)
    assert all(one.effective_ends_at <= other.starts_at for one, other in pairwise(rows))
    assert rows[0].starts_at == AT - 90 * DAY
    undo(record, AT + timedelta(hours=1))
    told = {
        member.pk: sorted(
            (row.starts_at, row.effective_ends_at)
            for row in MembershipTerm.objects.filter(member=member)
            if row.effective_ends_at > row.starts_at
        )
        for member in pair
    }
    assert [start for start, _ in told[a.pk]] == [AT - 90 * DAY, AT - 44 * DAY]
    assert [start for start, _ in told[b.pk]] == [AT - 80 * DAY, AT - 45 * DAY]


def test_a_trial_of_the_other_is_added_to_what_was_paid_or_waits(pair, plans):
    a, b = pair
    paid = buy(a, plans["gold"], AT - 2 * DAY)
    trial = terms.start_trial(member_id=b.pk, plan=plans["gold"], at=AT - DAY, actor=None)
    before = ahead(b, AT)
    record = merge(pair)
    assert ahead(a, AT)[-1][-1] == paid.ends_at + (trial.ends_at - AT)
    undo(record, AT + DAY)
    assert ahead(b, AT + DAY) == [(trial.pk, "gold", AT + DAY, before[0][-1])]
