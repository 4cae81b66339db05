"""Files of terms and of events for members already known."""

from datetime import UTC, datetime, timedelta

import pytest

from members.events.models import ActiveDay, Event, Source
from members.lifecycle.models import MemberLifecycle
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.factories import PlanFactory, TierFactory, make_member, make_term
from tests.members.imports.files import checked, csv, issues, written

pytestmark = pytest.mark.django_db

TERMS = "会员编号,订单号,会期类型,方案,开始时间,到期时间,金额"
EVENTS = "会员编号,事件,发生时间,金额,页面"


@pytest.fixture
def people(at):
    return [make_member(at=at, identities={"external_id": f"A{n}"}) for n in range(4)]


@pytest.fixture
def month(db):
    return PlanFactory(
        code="month", name="Month", name_zh="月卡", tier=TierFactory(code="gold", name="Gold", name_zh="金卡")
    )


def test_terms_with_and_without_an_end(people, month, operator, at):
    run = written(
        csv(TERMS, [
            "A0,O-1,付费,月卡,2026-10-31,,19.90", "A0,O-2,,月卡,2026-11-30,2026-12-30,¥1，990.00",
            "A1,O-3,赠送,month,2026-11-01,2026-11-20,",
        ]), actor=operator, at=at, profile="terms",
    )  # fmt: skip
    assert (run.created_count, run.status) == (3, "done")
    first, second = MembershipTerm.objects.filter(member=people[0]).order_by("starts_at")
    # Anchored months: from the last of October to the last of November.
    assert first.ends_at == datetime(2026, 11, 29, 16, tzinfo=UTC)
    assert (first.price_cents, first.external_ref, first.plan, first.anchor_months) == (1990, "O-1", month, 1)
    assert second.price_cents == 199000
    states = dict(MemberLifecycle.objects.values_list("member__identities__value", "lifecycle_state"))
    assert (states["A0"], states["A1"], states["A2"]) == ("first_paid", "expiring", "prospect")


def test_a_term_imported_for_a_day_does_not_start_before_it(people, month, operator, at):
    gold = make_term(member=people[0], at=at, plan=month)
    row = "A0,O-9,付费,月卡,2027-03-01,2028-02-29,90"
    written(csv(TERMS, [row]), actor=operator, at=at + timedelta(hours=1), profile="terms")
    terms.refund_term(term_id=gold.pk, at=at + timedelta(hours=2), actor=None, reason="R")
    dated = MembershipTerm.objects.get(external_ref="O-9")
    assert dated.dated_at == dated.starts_at == datetime(2027, 2, 28, 16, tzinfo=UTC)
    assert MemberLifecycle.objects.get(pk=people[0].pk).membership_status == "expired"


def test_the_same_terms_again_change_nothing_and_contradictions_are_named(people, month, operator, at):
    rows = ["A0,O-1,付费,月卡,2026-11-01,2026-11-30,19.90", "A1,,付费,月卡,2026-11-01,2026-11-30,19.90"]
    written(csv(TERMS, rows), actor=operator, at=at, profile="terms")
    run = written(csv(TERMS, rows), actor=operator, at=at + timedelta(hours=1), profile="terms")
    assert (run.created_count, run.unchanged_count) == (0, 2)
    assert MembershipTerm.objects.count() == 2
    run = checked(
        csv(TERMS, [
            "A0,O-1,付费,月卡,2026-11-01,2026-12-31,", "A1,O-9,付费,月卡,2026-11-15,2026-12-15,",
            "ZZ,O-8,付费,月卡,2026-11-01,2026-11-30,", "A2,O-7,付费,月卡,2026-11-01,2026-11-30,",
            "A2,O-6,付费,月卡,2026-11-30,2026-12-30,", "A3,O-5,付费,季卡,2026-11-01,2026-11-30,",
            "A3,O-7,付费,月卡,2026-11-01,2026-11-30,",
        ]), actor=operator, at=at, profile="terms",
    )  # fmt: skip
    assert [(row, code) for row, _, code, _ in issues(run) if code != "overlap"] == [
        (2, "order_taken"), (4, "member_unknown"), (5, "duplicate"), (6, "overlap_within"), (7, "unknown_plan"),
        (8, "overlap_within"), (8, "duplicate"),
    ]  # fmt: skip
    assert {row for row, _, code, _ in issues(run) if code == "overlap"} == {2, 3}


def test_a_file_has_no_order_of_the_house(people, month, operator, at):
    row = "A0,house:seat:3:17,付费,月卡,2026-11-01,2026-11-30,19.90"
    run = checked(csv(TERMS, [row]), actor=operator, at=at, profile="terms")
    assert [(number, code) for number, _, code, _ in issues(run)] == [(2, "order_reserved")]


def test_events_with_values_properties_and_message_ids(people, operator, at):
    run = written(
        csv(EVENTS, [
            "A0,opened,2026-11-10 08:00:00,,home", "A0,order_completed,2026-11-11,12.50,cart",
            "A1,opened,2026-11-10T00:30:00Z,,",
        ]), actor=operator, at=at,
    )  # fmt: skip
    assert run.profile == "events"
    assert (run.created_count, Event.objects.count(), ActiveDay.objects.count()) == (3, 3, 3)
    order = Event.objects.get(value_cents=1250)
    assert (order.currency, order.occurred_at) == ("CNY", datetime(2026, 11, 11, 4, tzinfo=UTC))
    # A file is no live feed: nobody falls silent because of it.
    assert list(Source.objects.values_list("is_activity_source", "connected_at")) == [(False, None)]


def test_events_again_and_with_errors(people, operator, at):
    text = csv(EVENTS, ["A0,opened,2026-11-10 08:00,,", "A0,opened,2026-11-10 08:00,,"])
    assert written(text, actor=operator, at=at).created_count == 2
    run = written(text, actor=operator, at=at)
    assert (run.created_count, run.unchanged_count, Event.objects.count()) == (0, 2, 2)
    run = checked(
        csv(EVENTS, ["ZZ,opened,2026-11-10,,", "A0,,2026-11-10,,", "A0,opened,2026-02-30,x,", "A0,opened,,,"]),
        actor=operator,
        at=at,
    )
    assert [(row, code) for row, _, code, _ in issues(run)] == [
        (2, "member_unknown"), (3, "event_missing"), (4, "no_such_date"), (4, "bad_amount"), (5, "start_missing"),
    ]  # fmt: skip
