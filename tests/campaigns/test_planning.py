from datetime import UTC, datetime, timedelta

import pytest

from campaigns.models import Enrollment, MessageIntent
from campaigns.operations.delivery import look
from campaigns.operations.planning import cancel, plan
from members.terms.operations import terms
from tests import factories
from tests.campaigns.world import AT, member_ending, messages

pytestmark = pytest.mark.django_db

STEPS = ["d7", "d3", "d1", "d0"]
CHANNELS = ["email", "in_app"]


def test_a_term_ahead_gets_every_step_on_every_channel():
    term = member_ending(AT + timedelta(days=8))
    assert plan(at=AT).enrolled == 1
    assert messages(term) == {f"{s}.{c}": "pending" for s in STEPS for c in CHANNELS}
    due = MessageIntent.objects.filter(channel="email").order_by("due_at").values_list("due_at", flat=True)
    assert list(due) == [datetime(2026, 11, d, 2, 0, tzinfo=UTC) for d in (17, 21, 23, 24)]


def test_planning_again_changes_nothing():
    member_ending(AT + timedelta(days=8))
    plan(at=AT)
    before = list(MessageIntent.objects.order_by("pk").values())
    assert plan(at=AT + timedelta(seconds=10)).enrolled == 0
    assert list(MessageIntent.objects.order_by("pk").values()) == before


def test_steps_already_past_expire_and_say_so():
    term = member_ending(AT + timedelta(days=2))
    plan(at=AT)
    past = "expired:past_when_planned"
    assert messages(term) == {
        "d7.email": past, "d7.in_app": past, "d3.email": past, "d3.in_app": past,
        "d1.email": "pending", "d1.in_app": "pending", "d0.email": "pending", "d0.in_app": "pending",
    }  # fmt: skip


def test_a_weekly_plan_bought_at_nine_is_told_of_no_end_before_its_last_quarter():
    nine = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
    weekly = factories.PlanFactory(code="weekly", duration_unit="week", duration_count=1)
    member = factories.make_member(at=nine)
    term = terms.purchase(member_id=member.pk, plan=weekly, at=nine, actor=None)
    plan(at=nine)
    early = "expired:before_window"
    assert messages(term) == {f"{s}.{c}": early if s in ("d7", "d3") else "pending" for s in STEPS for c in CHANNELS}


@pytest.mark.parametrize(("hours", "status"), [(0.5, "pending"), (3, "pending"), (12, "expired:past_when_planned")])
def test_a_planner_that_was_away_still_sends_what_is_still_true(hours, status):
    term = member_ending(AT + timedelta(days=3))
    plan(at=datetime(2026, 11, 16, 2, 0, tzinfo=UTC) + timedelta(hours=hours))
    assert messages(term)["d3.email"] == status


def test_nobody_with_auto_renewal_or_a_later_term():
    member_ending(AT + timedelta(days=5), auto_renewal=True)
    renewed = member_ending(AT + timedelta(days=5))
    terms.renew_membership(member_id=renewed.member_id, at=AT - timedelta(days=1), actor=None)
    refunded = member_ending(AT + timedelta(days=5))
    terms.refund_term(term_id=refunded.pk, at=AT - timedelta(days=1), actor=None, reason="test")
    member_ending(AT + timedelta(days=12))
    assert plan(at=AT).enrolled == 0
    assert not MessageIntent.objects.exists()


def renew(term, at):
    terms.renew_membership(member_id=term.member_id, at=at, actor=None)


def auto_on(term, at):
    terms.switch_auto_renewal(member_id=term.member_id, on=True, at=at, actor=None)


def refund(term, at):
    terms.refund_term(term_id=term.pk, at=at, actor=None, reason="test")


def void(term, at):
    terms.void_term(term_id=term.pk, at=at, actor=None, reason="test")


def change_tier(term, at):
    terms.change_tier(term_id=term.pk, tier=factories.TierFactory(), at=at, actor=None, reason="test")


def upgrade(term, at):
    terms.purchase(member_id=term.member_id, plan=factories.PlanFactory(price_cents=5000), at=at, actor=None)


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (renew, "renewed"),
        (auto_on, "auto_renewal_on"),
        (refund, "refunded"),
        (void, "voided"),
        (upgrade, "renewed"),
    ],
)
def test_what_is_pending_is_cancelled_with_the_reason(act, reason):
    term = member_ending(AT + timedelta(days=2))
    bystander = member_ending(AT + timedelta(days=2))
    plan(at=AT)
    untouched = messages(bystander)
    act(term, AT + timedelta(minutes=1))
    assert cancel(at=AT + timedelta(minutes=2)).ended == {reason: 1}
    past = "expired:past_when_planned"
    assert messages(term) == {
        f"{s}.{c}": past if s in ("d7", "d3") else f"suppressed:{reason}" for s in STEPS for c in CHANNELS
    }
    assert messages(bystander) == untouched
    assert cancel(at=AT + timedelta(minutes=3)).ended == {}
    enrollment = Enrollment.objects.get(member_id=term.member_id, occurrence=term.pk)
    assert enrollment.exit_reason == reason
    assert (enrollment.goal_at is not None) == (reason == "renewed")


def test_a_new_term_anchors_anew():
    term = member_ending(AT + timedelta(days=2))
    plan(at=AT)
    new = terms.renew_membership(member_id=term.member_id, at=AT, actor=None)
    cancel(at=AT)
    plan(at=new.ends_at - timedelta(days=8))
    assert set(messages(new).values()) == {"pending"}


def test_a_tier_change_keeps_the_reminders_which_name_the_new_tier():
    term = member_ending(AT + timedelta(days=2), language="en")
    plan(at=AT)
    change_tier(term, AT + timedelta(minutes=1))
    assert cancel(at=AT + timedelta(minutes=2)).ended == {}
    plan(at=AT + timedelta(minutes=2))
    assert messages(term)["d1.email"] == "pending"
    assert Enrollment.objects.count() == 1
    tier = term.member.terms.latest("pk").tier
    assert tier != term.tier
    said = look(intent=MessageIntent.objects.get(step_key="d1.email"), at=AT + timedelta(days=1)).context
    assert said["term"]["tier"] == tier.name


def test_auto_renewal_off_again_revives_what_was_never_sent():
    term = member_ending(AT + timedelta(days=2))
    plan(at=AT)
    auto_on(term, AT)
    cancel(at=AT)
    terms.switch_auto_renewal(member_id=term.member_id, on=False, at=AT + timedelta(days=1), actor=None)
    # Noon of D-1: what it says is true until 22:00.
    plan(at=AT + timedelta(days=1))
    now = messages(term)
    assert now["d1.email"] == "pending"
    assert now["d0.email"] == "pending"
    assert plan(at=AT + timedelta(days=1)).revived == 0


def test_what_was_dropped_does_not_come_back_once_it_is_no_longer_true():
    term = member_ending(AT + timedelta(days=2))
    plan(at=AT)
    auto_on(term, AT)
    cancel(at=AT)
    late = AT + timedelta(days=1, hours=10)
    terms.switch_auto_renewal(member_id=term.member_id, on=False, at=late, actor=None)
    plan(at=late)
    assert messages(term)["d1.email"] == "suppressed:auto_renewal_on"
    assert messages(term)["d0.email"] == "pending"


def test_enrollments_finish_two_days_after_the_end():
    term = member_ending(AT + timedelta(days=2))
    plan(at=AT)
    assert cancel(at=term.ends_at + timedelta(days=1)).finished == 0
    assert cancel(at=term.ends_at + timedelta(days=2, seconds=1)).finished == 1
    assert plan(at=term.ends_at + timedelta(days=2, seconds=2)).enrolled == 0
