"""Days people are told: the last day, what moves it, what comes late, and where they live."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.models import Campaign, CampaignVersion, Enrollment, MessageIntent
from campaigns.operations.copy import words
from campaigns.operations.delivery import look, show_in_app
from campaigns.operations.planning import cancel, plan
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import sweep
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests import factories
from tests.campaigns.world import AT, member_ending
from tests.members.imports.files import csv, written

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def local(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    """An instant of 2026 on Shanghai's clock."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC) - 8 * HOUR


def tick(at: datetime) -> None:
    """What the beat does, in its order."""
    sweep(at=at)
    cancel(at=at)
    plan(at=at)
    show_in_app(at=at)


def in_app(member_id: int, *, code: str = "renewal-cadence") -> dict[str, datetime]:
    """When each in-app step of a member is or was due."""
    rows = MessageIntent.objects.filter(member_id=member_id, channel="in_app", campaign__code=code).order_by("due_at")
    return {row.step_key.partition(".")[0]: row.due_at for row in rows}


def statuses(member_id: int, *, code: str = "renewal-cadence") -> dict[str, str]:
    """The status of each email step of a member, the latest occurrence's last."""
    rows = MessageIntent.objects.filter(member_id=member_id, channel="email", campaign__code=code).order_by("pk")
    return {row.step_key.partition(".")[0]: f"{row.status}:{row.reason}".strip(":") for row in rows}


def said(member_id: int, step: str, at: datetime) -> str:
    """The words of a step's mail as they would be sent at an instant: subject and text."""
    intent = MessageIntent.objects.get(member_id=member_id, step_key=f"{step}.email")
    found = look(intent=intent, at=at)
    assert found.template_version_id, found.reason
    letter = words(template_version_id=found.template_version_id, context=found.context, intent_id=intent.pk)
    return f"{letter.subject}\n{letter.text}"


def give(term: MembershipTerm, days: int, at: datetime) -> MembershipTerm:
    gift = factories.PlanFactory(code=f"gift-{days}", duration_unit="day", duration_count=days, tier=term.tier)
    return terms.give_term(member_id=term.member_id, plan=gift, at=at, actor=None)


def compensate(term: MembershipTerm, days: int, at: datetime) -> MembershipTerm:
    return terms.compensate(member_id=term.member_id, days=days, at=at, actor=None, reason="test")


# The last day -------------------------------------------------------------------------------------------------------


def test_a_file_that_says_to_8_december_is_told_of_the_8th_by_all_four_reminders(admin):
    at = local(20, 12)
    member = factories.make_member(at=at, identities={"external_id": "A1", "email": "a1@example.com"}, language="en")
    factories.PlanFactory(code="month", name_zh="月卡")
    written(
        csv("会员编号,订单号,会期类型,方案,开始时间,到期时间,金额", ["A1,O-1,付费,月卡,2026-11-08,2026-12-08,19.00"]),
        actor=admin, at=at, profile="terms",
    )  # fmt: skip
    assert MembershipTerm.objects.get().ends_at == local(9, 0, month=12)
    plan(at=local(30, 10))
    due = in_app(member.pk)
    assert due == {
        "d7": local(1, 10, month=12), "d3": local(5, 10, month=12), "d1": local(7, 10, month=12),
        "d0": local(8, 10, month=12),
    }  # fmt: skip
    letters = {step: said(member.pk, step, at) for step, at in due.items()}
    assert all("8 December 2026" in letter for letter in letters.values())
    assert ["in 7 days" in letters["d7"], "in 3 days" in letters["d3"]] == [True, True]
    assert ["tomorrow" in letters["d1"], "today" in letters["d0"]] == [True, True]
    assert "until 11 December 2026" in letters["d0"]


def test_an_end_within_a_day_has_that_day_as_its_last():
    term = member_ending(AT + 8 * DAY)
    MembershipTerm.objects.filter(pk=term.pk).update(ends_at=local(24, 15))
    MemberLifecycle.objects.filter(pk=term.member_id).update(expiration_time=local(24, 15))
    plan(at=AT)
    assert in_app(term.member_id)["d0"] == local(24, 10)
    # "Today" is true until it ends, not until 22:00.
    assert set(MessageIntent.objects.filter(step_key__startswith="d0").values_list("expires_at", flat=True)) == {
        local(24, 15)
    }


def test_the_message_says_the_days_left_when_it_is_sent_whatever_its_step_is_called():
    term = member_ending(AT + 3 * DAY, language="en")
    plan(at=AT - 3 * HOUR)
    # Sent late in the evening, or after an end that moved: the step is D-3, the words are not.
    assert "in 3 days" in said(term.member_id, "d3", local(16, 21))
    compensate(term, 2, local(16, 9))
    letter = said(term.member_id, "d1", local(18, 10))
    assert "in 3 days" in letter
    assert "tomorrow" not in letter
    assert "today" not in said(term.member_id, "d0", local(19, 10))


# What moves it ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("give_days", [give, compensate], ids=["gift", "compensation"])
def test_days_given_behind_move_what_is_pending_and_renew_nothing(give_days):
    term = member_ending(AT + 5 * DAY)
    at = local(14, 10)
    tick(at)
    before = in_app(term.member_id)
    give_days(term, 4, local(15, 9))
    tick(local(15, 9))
    enrollment = Enrollment.objects.get()
    assert (enrollment.exited_at, enrollment.goal_at, enrollment.occurrence) == (None, None, term.pk)
    moved = in_app(term.member_id)
    # What was sent stays as it is; what is pending follows the new last day.
    assert moved["d7"] == before["d7"]
    assert [moved[step] - before[step] for step in ("d3", "d1", "d0")] == [4 * DAY] * 3
    for hours in range(24 * 12):
        tick(local(15, 9) + hours * HOUR)
    shown = MessageIntent.objects.filter(channel="in_app", status="sent").order_by("due_at")
    assert [(row.step_key, row.finished_at) for row in shown] == [
        ("d7.in_app", at), ("d3.in_app", local(22, 10)), ("d1.in_app", local(24, 10)), ("d0.in_app", local(25, 10)),
    ]  # fmt: skip


def test_a_last_day_that_moves_further_is_an_occurrence_of_its_own_and_no_goal():
    term = member_ending(AT + 5 * DAY)
    tick(local(14, 10))
    gift = give(term, 30, local(15, 9))
    tick(local(15, 9))
    enrollment = Enrollment.objects.get()
    assert (enrollment.exit_reason, enrollment.goal_at) == ("replaced", None)
    last = gift.ends_at - HOUR
    tick(last - 8 * DAY)
    assert statuses(term.member_id) == dict.fromkeys(("d7", "d3", "d1", "d0"), "pending")
    assert in_app(term.member_id)["d0"] == last + HOUR - 14 * HOUR


def test_a_higher_tier_bought_renews_and_its_refund_brings_back_the_reminders_of_what_resumes():
    gold = member_ending(AT + 5 * DAY)
    tick(local(14, 10))
    platinum = factories.PlanFactory(code="platinum", price_cents=5000)
    assert platinum.tier.position > gold.tier.position
    bought = terms.purchase(member_id=gold.member_id, plan=platinum, at=local(15, 9), actor=None)
    tick(local(15, 9))
    reached = Enrollment.objects.get()
    assert (reached.exit_reason, reached.goal_at) == ("renewed", local(15, 9))
    end = MembershipTerm.objects.filter(member_id=gold.member_id).latest("starts_at").ends_at
    tick(end - 8 * DAY)
    assert Enrollment.objects.running().get().occurrence == bought.pk
    terms.refund_term(term_id=bought.pk, at=local(15, 11), actor=None, reason="test")
    tick(local(15, 11))
    # Gold goes on with all it had left: by two hours later.
    back = Enrollment.objects.running().get()
    assert (back.pk, back.goal_at, back.anchor_at) == (reached.pk, None, gold.ends_at + 2 * HOUR)
    dropped = Enrollment.objects.exclude(pk=back.pk).get()
    assert (dropped.exit_reason, dropped.goal_at) == ("refunded", None)
    rows = MessageIntent.objects.filter(occurrence=gold.pk, channel="in_app").order_by("due_at")
    assert [(row.step_key, row.status) for row in rows] == [
        ("d7.in_app", "sent"), ("d3.in_app", "pending"), ("d1.in_app", "pending"), ("d0.in_app", "pending"),
    ]  # fmt: skip


def test_nothing_is_said_of_an_end_that_moved_before_planning_has_moved_it_too():
    term = member_ending(AT + 3 * DAY)
    plan(at=local(16, 9))
    compensate(term, 2, local(16, 9, 59))
    assert show_in_app(at=local(16, 10)) == (0, 0)
    plan(at=local(16, 10))
    assert in_app(term.member_id)["d3"] == local(18, 10)
    # It comes to an end that day, before planning heard of it: "tomorrow" is no longer true and nothing is said.
    early = member_ending(AT + 1 * DAY)
    plan(at=local(16, 9))
    MembershipTerm.objects.filter(pk=early.pk).update(ends_at=local(16, 9, 30))
    MemberLifecycle.objects.filter(pk=early.member_id).update(expiration_time=local(16, 9, 30))
    plan(at=local(16, 10))
    assert show_in_app(at=local(16, 10)) == (0, 0)
    show_in_app(at=local(16, 22))
    assert MessageIntent.objects.get(member_id=early.member_id, step_key="d1.in_app").reason == "too_late"


@pytest.mark.parametrize("kind", ["gift", "compensation"])
def test_every_term_but_a_trial_is_reminded_of(kind):
    month = factories.PlanFactory(code="month")
    member = factories.make_member(at=AT - 40 * DAY)
    if kind == "gift":
        terms.give_term(member_id=member.pk, plan=month, at=AT - 24 * DAY, actor=None)
    else:
        terms.purchase(member_id=member.pk, plan=month, at=AT - 40 * DAY, actor=None)
        terms.compensate(member_id=member.pk, days=30, at=AT - 39 * DAY, actor=None, reason="test")
    end = MembershipTerm.objects.filter(member=member).latest("starts_at").ends_at
    plan(at=end - 8 * DAY)
    assert statuses(member.pk) == dict.fromkeys(("d7", "d3", "d1", "d0"), "pending")


def test_a_trial_is_not_reminded_of():
    member = factories.make_member(at=AT - DAY)
    trial = terms.start_trial(member_id=member.pk, plan=factories.PlanFactory(code="month"), at=AT - DAY, actor=None)
    assert plan(at=trial.ends_at - 2 * DAY).enrolled == 0


def test_a_chain_of_gifts_promises_no_grace_and_a_paid_one_that_of_its_last_paid_plan():
    plans = factories.PlanFactory(code="own", grace_days=2, price_cents=500)
    gifted = factories.make_member(at=AT - 40 * DAY, language="en")
    terms.give_term(member_id=gifted.pk, plan=plans, at=AT - 24 * DAY, actor=None)
    paid = factories.make_member(at=AT - 40 * DAY, language="en")
    first = terms.purchase(member_id=paid.pk, plan=plans, at=AT - 24 * DAY, actor=None)
    short = give(first, 1, AT - 23 * DAY)
    ends = [MembershipTerm.objects.filter(member=m).latest("starts_at").ends_at for m in (gifted, paid)]
    plan(at=ends[0] - 8 * DAY)
    assert "keep your tier" not in said(gifted.pk, "d0", ends[0] - HOUR)
    letter = said(paid.pk, "d0", ends[1] - HOUR)
    assert "We keep your tier for 2 days" in letter
    assert short.plan.grace_days is None


def test_a_term_that_starts_long_after_the_grace_does_not_silence_the_reminders():
    gold = member_ending(AT + 5 * DAY)
    later = factories.PlanFactory(code="later", tier=gold.tier)
    terms.purchase(member_id=gold.member_id, plan=later, at=AT - 3 * DAY, starts_at=gold.ends_at + 60 * DAY, actor=None)
    assert plan(at=local(14, 9)).enrolled == 1
    assert cancel(at=local(14, 9)).ended == {}


# What comes late ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hour", "status"), [(12, "pending"), (21, "pending"), (22, "expired:past_when_planned")])
def test_auto_renewal_off_after_ten_still_gets_what_is_true_until_ten_at_night(hour, status):
    term = member_ending(AT + 3 * DAY, auto_renewal=True)
    tick(local(16, 9))
    terms.switch_auto_renewal(member_id=term.member_id, on=False, at=local(16, hour), actor=None)
    plan(at=local(16, hour))
    assert statuses(term.member_id) == {
        "d7": "expired:past_when_planned", "d3": status, "d1": "pending", "d0": "pending"
    }  # fmt: skip


def test_a_refund_at_noon_that_brings_the_last_day_back_to_today_is_told_today():
    first = member_ending(AT)
    second = terms.renew_membership(member_id=first.member_id, at=AT - 5 * DAY, actor=None)
    tick(local(16, 9))
    assert statuses(first.member_id) == {}
    terms.refund_term(term_id=second.pk, at=local(16, 12), actor=None, reason="test")
    tick(local(16, 12))
    shown = MessageIntent.objects.get(step_key="d0.in_app")
    assert (shown.status, shown.due_at, shown.finished_at) == ("sent", local(16, 10), local(16, 12))


def test_a_step_is_past_once_a_later_one_is_due_though_its_deadline_is_not_over():
    campaign = Campaign.objects.select_related("current_version").get(code="renewal-cadence")
    definition = campaign.current_version.definition
    definition = definition | {"steps": [step | {"valid_hours": 72} for step in definition["steps"]]}
    patient = CampaignVersion.objects.create(campaign=campaign, number=9, definition=definition, published_at=AT)
    Campaign.objects.filter(pk=campaign.pk).update(current_version=patient)
    term = member_ending(AT + 3 * DAY)
    plan(at=local(18, 9, 59))
    assert statuses(term.member_id)["d3"] == "pending"
    other = member_ending(AT + 3 * DAY)
    plan(at=local(18, 10, 1))
    assert statuses(other.member_id)["d3"] == "expired:past_when_planned"
    assert statuses(other.member_id)["d1"] == "pending"


def failed_at(term: MembershipTerm, at: datetime) -> None:
    assert terms.record_renewal_failure(member_id=term.member_id, at=at, actor=None)
    tick(at)


@pytest.mark.parametrize(
    ("at", "due"),
    [
        (local(14, 12), local(17, 10)),
        (local(16, 12), local(17, 10)),
        (local(17, 2), local(17, 10)),
        (local(17, 12), local(18, 10)),
        (local(18, 23), local(19, 10)),
    ],
    ids=["before the last day", "noon of the last day", "in settlement", "after ten", "deep in grace"],
)
def test_whoever_fails_to_renew_by_itself_is_told_at_the_next_ten_within_grace(at, due):
    term = member_ending(AT, auto_renewal=True, language="en")
    tick(local(14, 9))
    failed_at(term, at)
    assert in_app(term.member_id, code="renewal-failed") == {"failed": due}
    letter = said(term.member_id, "failed", due)
    assert "did not go through: it ended on 16 November 2026" in letter
    assert "We keep your tier until 19 November 2026" in letter
    tick(due - HOUR)
    tick(due)
    assert MessageIntent.objects.get(step_key="failed.in_app").status == "sent"
    tick(due + HOUR)
    assert MessageIntent.objects.filter(step_key="failed.in_app").count() == 1


def test_a_renewal_that_fails_at_noon_of_the_last_day_is_told_twice_today_and_tomorrow():
    term = member_ending(AT, auto_renewal=True)
    tick(local(16, 11))
    failed_at(term, local(16, 12))
    assert MessageIntent.objects.get(step_key="d0.in_app").status == "sent"
    tick(local(17, 10))
    assert MessageIntent.objects.get(step_key="failed.in_app").finished_at == local(17, 10)


def renew(term: MembershipTerm, at: datetime) -> Any:
    return terms.renew_membership(member_id=term.member_id, at=at, actor=None)


def switch_on(term: MembershipTerm, at: datetime) -> Any:
    return terms.switch_auto_renewal(member_id=term.member_id, on=True, at=at, actor=None)


@pytest.mark.parametrize(("act", "reason"), [(renew, "renewed"), (switch_on, "auto_renewal_on")])
@pytest.mark.parametrize("is_planned", [True, False])
def test_nobody_is_told_of_a_failure_that_was_mended(act, reason, is_planned):
    term = member_ending(AT, auto_renewal=True)
    terms.record_renewal_failure(member_id=term.member_id, at=local(16, 12), actor=None)
    if is_planned:
        tick(local(16, 12))
    act(term, local(16, 12, 30))
    for at in (local(16, 13), local(17, 10), local(18, 10)):
        tick(at)
    assert statuses(term.member_id, code="renewal-failed") == ({"failed": f"suppressed:{reason}"} if is_planned else {})


@pytest.mark.parametrize(
    ("at", "status"), [(local(19, 9), "pending"), (local(19, 12), "sent"), (local(19, 23), "sent")]
)
def test_a_failure_with_no_ten_o_clock_left_in_grace_is_told_at_once(at, status):
    term = member_ending(AT, auto_renewal=True)
    assert (term.ends_at, term.grace_days(3)) == (local(17, 0), 3)
    tick(local(16, 11))
    failed_at(term, at)
    shown = MessageIntent.objects.get(step_key="failed.in_app")
    assert (shown.status, shown.expires_at) == (status, local(20, 0))


def test_a_failure_whose_grace_is_long_over_is_told_to_nobody():
    term = member_ending(AT, auto_renewal=True)
    tick(local(16, 11))
    failed_at(term, local(26, 12))
    assert statuses(term.member_id, code="renewal-failed") == {"failed": "expired:past_when_planned"}


def test_without_a_grace_the_failure_is_told_all_the_same():
    member = factories.make_member(at=AT - 40 * DAY, language="en")
    week = factories.PlanFactory(code="week", duration_unit="day", duration_count=7)
    gift = terms.give_term(member_id=member.pk, plan=week, at=local(10, 9), actor=None)
    terms.switch_auto_renewal(member_id=member.pk, on=True, at=local(10, 9), actor=None)
    assert gift.ends_at == local(18, 0)
    failed_at(gift, local(18, 2))
    letter = said(member.pk, "failed", local(18, 10))
    assert "keep your tier" not in letter
    tick(local(18, 10))
    assert MessageIntent.objects.get(step_key="failed.in_app").status == "sent"


# Where they live ----------------------------------------------------------------------------------------------------


def move_to(member_id: int, zone: str) -> None:
    MemberLifecycle.objects.filter(pk=member_id).update(time_zone=zone)


def test_who_moves_to_los_angeles_is_told_once_at_ten_there():
    term = member_ending(AT + 3 * DAY)
    tick(local(16, 9))
    move_to(term.member_id, "America/Los_Angeles")
    tick(local(16, 9, 30))
    tick(local(16, 10))
    assert not MessageIntent.objects.filter(status="sent").exists()
    # It ends at midnight in Shanghai: 08:00 of the 19th in Los Angeles, whose last day that is.
    ten = datetime(2026, 11, 16, 18, tzinfo=UTC)
    assert in_app(term.member_id)["d3"] == ten
    for at in (ten, ten + HOUR):
        tick(at)
    assert MessageIntent.objects.get(step_key="d3.in_app").finished_at == ten


def test_who_moves_before_planning_looks_again_is_not_told_at_ten_in_the_former_place():
    term = member_ending(AT + 3 * DAY)
    plan(at=local(16, 9))
    move_to(term.member_id, "America/Los_Angeles")
    assert show_in_app(at=local(16, 10)) == (0, 0)
    assert look(intent=MessageIntent.objects.get(step_key="d3.in_app"), at=local(16, 10)).reason == ""
    ten = datetime(2026, 11, 16, 18, tzinfo=UTC)
    tick(ten)
    assert MessageIntent.objects.get(step_key="d3.in_app").finished_at == ten


def test_a_changed_zone_alone_makes_nothing_past_it_goes_at_once():
    """From New York to Shanghai, the last day being the 19th in both: 22:00 of D-3 is over there already."""
    end = datetime(2026, 11, 19, 13, tzinfo=UTC)
    term = member_ending(end - HOUR, time_zone="America/New_York")
    MembershipTerm.objects.filter(pk=term.pk).update(ends_at=end)
    MemberLifecycle.objects.filter(pk=term.member_id).update(expiration_time=end)
    due = datetime(2026, 11, 16, 15, tzinfo=UTC)
    tick(due - HOUR)
    assert in_app(term.member_id)["d3"] == due
    at = due - HOUR / 2
    move_to(term.member_id, "Asia/Shanghai")
    tick(at)
    shown = MessageIntent.objects.get(step_key="d3.in_app")
    assert (shown.status, shown.finished_at) == ("sent", at)
    assert in_app(term.member_id)["d1"] == local(18, 10)


def test_moving_there_and_back_between_two_looks_sends_nothing_twice():
    term = member_ending(AT + 3 * DAY)
    tick(local(16, 10))
    assert MessageIntent.objects.get(step_key="d3.in_app").status == "sent"
    for zone in ("America/New_York", "Asia/Shanghai", "America/New_York"):
        move_to(term.member_id, zone)
        for hours in range(0, 30, 3):
            tick(local(16, 10) + hours * HOUR)
    assert MessageIntent.objects.filter(step_key="d3.in_app", status="sent").count() == 1


def test_words_come_from_the_clock_where_the_member_lives_when_it_goes():
    end = local(20, 0)
    term = member_ending(end - HOUR, language="en")
    plan(at=local(16, 9))
    move_to(term.member_id, "America/New_York")
    # 21:00 of the 15th there, and the last day is the 19th.
    letter = said(term.member_id, "d3", local(16, 10))
    assert "in 4 days" in letter
    assert "19 November 2026" in letter
