"""Every history of the lifecycle policy must come out as the policy says."""

from datetime import timedelta

import pytest

from config.engine.refusal import Refused
from members.events.operations import recording
from members.lifecycle.models import LifecyclePolicy, LifecycleTransition, MemberLifecycle
from members.lifecycle.operations import sweep
from members.people.operations import people
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.members.world import World, moment, path, state, tags

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def observed():
    """A world whose activity source has been connected for a long time."""
    return World(source_since=-400)


def buy(world, member, day, plan=None, **extra):
    return terms.purchase(member_id=member.pk, plan=plan or world.month, at=moment(day), actor=None, **extra)


def test_trial_only_lapses_without_grace_and_a_later_purchase_is_a_first_one(world):
    member = world.member()
    terms.start_trial(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    assert state(member).membership_status == "trialing"
    world.sweep(8)
    assert (state(member).lifecycle_state, state(member).membership_status) == ("expired", "expired")
    assert state(member).tier_id is None
    world.sweep(60)
    assert path(member) == ["prospect", "trial", "expired", "churned"]
    buy(world, member, 70)
    assert state(member).lifecycle_state == "first_paid"
    assert tags(member) == set()
    assert LifecycleTransition.objects.filter(member=member).conversions().count() == 1


def test_paying_on_the_third_day_of_a_trial_closes_it_and_adds_the_unused_days(world):
    member = world.member()
    terms.start_trial(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    paid = buy(world, member, 3)
    assert path(member) == ["prospect", "trial", "first_paid"]
    trial = MembershipTerm.objects.get(member=member, kind="trial")
    assert (trial.close_reason, trial.closed_at) == ("converted", moment(3))
    # Bought on March 5 while the trial ran to the end of March 9: a month from March 10.
    assert paid.ends_at == moment(39, 0)


def test_renewing_in_grace_brings_back_the_state_before_without_a_tag(world):
    member = world.member()
    first = buy(world, member, 0)
    world.sweep(32, 13)
    assert (state(member).lifecycle_state, state(member).membership_status) == ("expired", "grace")
    assert state(member).tier_id == world.gold.pk
    renewal = terms.renew_membership(member_id=member.pk, at=moment(33), actor=None)
    assert renewal.starts_at == first.ends_at
    assert state(member).lifecycle_state == "first_paid"
    assert LifecycleTransition.objects.filter(member=member).latest("id").move == "resume_first_paid"
    assert tags(member) == set()


def test_grace_ends_on_the_clock(world):
    member = world.member()
    buy(world, member, 0)
    world.sweep(34, 23)
    assert state(member).membership_status == "grace"
    world.sweep(35, 0)
    assert (state(member).membership_status, state(member).tier_id) == ("expired", None)


def test_a_late_auto_renewal_moves_nothing(world):
    member = world.member()
    buy(world, member, 0, auto_renewal=True)
    world.sweep(32, 1)  # an hour past the end, inside the settlement
    assert state(member).lifecycle_state == "first_paid"
    assert state(member).membership_status == "active"
    terms.renew_membership(member_id=member.pk, at=moment(32, 2), actor=None, external_ref="auto-2")
    world.sweep(36)
    assert path(member) == ["prospect", "first_paid"]


def test_an_auto_renewal_that_never_comes_lapses_after_the_settlement(world):
    member = world.member()
    term = buy(world, member, 0, auto_renewal=True)
    world.sweep(40)
    last = LifecycleTransition.objects.filter(member=member).get(to_state="expired")
    assert last.effective_at == term.ends_at + timedelta(hours=24)


def test_a_failed_renewal_before_the_end_is_expiring(world):
    member = world.member()
    buy(world, member, 0, auto_renewal=True)
    world.sweep(28)
    assert state(member).lifecycle_state == "first_paid"
    terms.record_renewal_failure(member_id=member.pk, at=moment(28), actor=None)
    assert (state(member).lifecycle_state, state(member).auto_renewal_flag) == ("expiring", False)


def test_a_failed_renewal_past_the_end_is_expired_in_grace(world):
    member = world.member()
    buy(world, member, 0, auto_renewal=True)
    terms.record_renewal_failure(member_id=member.pk, at=moment(32, 2), actor=None)
    assert (state(member).lifecycle_state, state(member).membership_status) == ("expired", "grace")


def test_a_refund_is_expired_at_once_without_grace(world):
    member = world.member()
    term = buy(world, member, 0, auto_renewal=True)
    terms.refund_term(term_id=term.pk, at=moment(3), actor=None, reason="a change of mind")
    row = state(member)
    assert (row.lifecycle_state, row.membership_status, row.tier_id) == ("expired", "expired", None)
    buy(world, member, 40)
    assert state(member).lifecycle_state == "first_paid"
    assert "returned" not in tags(member)


def test_a_gift_first_is_first_paid_and_no_conversion(world):
    member = world.member()
    terms.give_term(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    assert (state(member).lifecycle_state, tags(member)) == ("first_paid", {"gifted"})
    assert LifecycleTransition.objects.filter(member=member).conversions().count() == 0


def test_renewing_five_days_early_loses_no_day_and_leaves_expiring(world):
    member = world.member()
    first = buy(world, member, 0)
    world.sweep(26)
    assert state(member).lifecycle_state == "expiring"
    renewal = terms.renew_membership(member_id=member.pk, at=moment(26), actor=None)
    assert renewal.starts_at == first.ends_at
    assert state(member).lifecycle_state == "first_paid"


def test_a_silent_stable_member_auto_renews_unmoved_and_comes_back_by_activity(observed):
    member = observed.member()
    buy(observed, member, 0, observed.year, auto_renewal=True)
    observed.active(member, list(range(1, 330, 2)))
    observed.sweep(330)
    assert state(member).lifecycle_state == "stable"
    observed.sweep(362)
    assert (state(member).lifecycle_state, state(member).target_rule) == ("churned", "silent")
    assert state(member).membership_status == "active"
    moves_before = len(path(member))
    terms.renew_membership(member_id=member.pk, at=moment(364), actor=None)
    observed.sweep(370)
    assert len(path(member)) == moves_before
    observed.active(member, [371])
    observed.sweep(371, 13)
    assert state(member).lifecycle_state == "stable"
    assert tags(member) <= {"low_use"}


def test_a_very_active_trial_stays_a_trial_and_is_tagged(observed):
    member = observed.member()
    observed.month.trial_days = 14
    terms.start_trial(member_id=member.pk, plan=observed.month, at=moment(0), actor=None)
    observed.active(member, list(range(0, 9)))
    observed.sweep(9)
    assert (state(member).lifecycle_state, tags(member)) == ("trial", {"high_frequency"})


def test_a_churned_member_given_a_gift_is_returned_and_gifted(world):
    member = world.member()
    buy(world, member, 0)
    world.sweep(80)
    assert state(member).lifecycle_state == "churned"
    terms.give_term(member_id=member.pk, plan=world.month, at=moment(80), actor=None)
    assert (state(member).lifecycle_state, tags(member)) == ("first_paid", {"returned", "gifted"})


def test_a_second_purchase_of_the_same_tier_is_appended(world):
    member = world.member()
    first = buy(world, member, 0)
    second = buy(world, member, 5)
    assert second.starts_at == first.ends_at


def test_the_same_order_twice_is_one_term(world):
    member = world.member()
    assert buy(world, member, 0, external_ref="o-1") == buy(world, member, 1, external_ref="o-1")
    with pytest.raises(Refused, match="external_ref_taken"):
        buy(world, world.member(), 1, external_ref="o-1")


def test_a_weekly_plan_expires_only_in_its_last_quarter(world):
    member = world.member()
    buy(world, member, 0, world.week)
    world.sweep(5, 23)
    assert state(member).lifecycle_state == "first_paid"
    world.sweep(6, 1)
    assert state(member).lifecycle_state == "expiring"


def test_an_import_without_events_is_placed_by_terms_and_is_not_silent(observed):
    member = people.create_member(actor=None, at=moment(0))
    MembershipTerm.objects.create(
        member=member, tier=observed.gold, kind="paid", starts_at=moment(-200), ends_at=moment(165),
        anchor_on=moment(-200).date(), booked_at=moment(0, 13),
    )  # fmt: skip
    MemberLifecycle.objects.filter(pk=member.pk).mark_due(moment(0, 13))
    observed.sweep(0, 13)
    assert state(member).lifecycle_state == "first_paid"
    no_source = World.__new__(World)
    assert no_source is not None


def test_without_an_activity_source_tenure_alone_makes_stable_and_nobody_is_silent(world):
    member = world.member()
    buy(world, member, 0, world.year)
    world.sweep(89, 23)
    assert state(member).lifecycle_state == "first_paid"
    world.sweep(90, 1)
    assert state(member).lifecycle_state == "stable"
    world.sweep(300)
    assert state(member).lifecycle_state == "stable"


def test_active_days_that_wander_between_seven_and_eight_do_not_flap(observed):
    member = observed.member()
    buy(observed, member, 0, observed.year)
    # A visit every fourth day keeps 7 or 8 active days in any 30.
    observed.active(member, [0.0, *[float(d) for d in range(1, 85, 4)]])
    observed.sweep(85)
    assert path(member).count("highly_active") == 1
    assert path(member)[:3] == ["prospect", "first_paid", "highly_active"]


def test_a_sweep_forty_days_late_replays_each_due_instant(world):
    member = world.member()
    term = buy(world, member, 0)
    world.sweep(72)
    rows = list(LifecycleTransition.objects.filter(member=member).order_by("effective_at", "pk"))
    assert [r.to_state for r in rows] == ["prospect", "first_paid", "expiring", "expired", "churned"]
    assert rows[3].effective_at == term.ends_at
    assert all(r.recorded_at == moment(72) for r in rows[2:])


def test_an_uninstall_after_the_end_churns_at_once(observed):
    member = observed.member()
    buy(observed, member, 0)
    observed.sweep(35)
    assert state(member).lifecycle_state == "expired"
    recording.record_events(
        rows=[{"member_id": member.pk, "name": "app_uninstalled", "occurred_at": moment(36), "message_id": "u1"}],
        source=observed.source, at=moment(36),
    )  # fmt: skip
    observed.sweep(36)
    assert (state(member).lifecycle_state, state(member).target_rule) == ("churned", "uninstalled")


def test_voiding_every_term_makes_a_prospect_again(world):
    member = world.member()
    term = buy(world, member, 0)
    with pytest.raises(Refused, match="reason_missing"):
        terms.void_term(term_id=term.pk, at=moment(1), actor=None, reason=" ")
    terms.void_term(term_id=term.pk, at=moment(1), actor=None, reason="booked for the wrong person")
    assert (state(member).lifecycle_state, state(member).membership_status) == ("prospect", "none")


def test_month_ends_are_counted_from_the_anchor(world):
    member = world.member()
    # March 2 plus 29 days is March 31.
    ends = [buy(world, member, 29, external_ref=f"r{i}").ends_at.date().isoformat() for i in range(4)]
    assert ends == ["2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31"]


def test_a_stale_source_suspends_silence(observed):
    member = observed.member()
    buy(observed, member, 0, observed.year)
    observed.active(member, [1.0])
    observed.source.refresh_from_db()
    observed.source.stale_after_hours = 24
    observed.source.save()
    observed.sweep(50)
    assert state(member).lifecycle_state == "first_paid"


def test_a_stale_source_that_speaks_again_lets_silence_count(observed):
    quiet, heard = observed.member(), observed.member()
    for member in (quiet, heard):
        buy(observed, member, 0, observed.year)
    observed.active(heard, [1.0])
    type(observed.source).objects.update(stale_after_hours=24)
    observed.sweep(50)
    assert state(quiet).lifecycle_state == "first_paid"
    observed.active(heard, [51.0])
    observed.sweep(51, 13)
    assert state(quiet).target_rule == "silent"
    assert state(heard).lifecycle_state == "first_paid"


def test_the_first_activity_source_starts_the_clock_of_silence_for_everybody(world):
    member, other = world.member(), world.member()
    buy(world, member, 0, world.year)
    world.sweep(40)
    assert state(member).lifecycle_state == "first_paid"
    world.active(other, [41.0])
    world.sweep(41, 13)
    world.sweep(70, 23)
    assert state(member).lifecycle_state == "first_paid"
    world.sweep(71, 1)
    assert (state(member).lifecycle_state, state(member).target_rule) == ("churned", "silent")


def test_the_brake_stops_a_sweep_that_moves_too_many_into_one_state(world):
    LifecyclePolicy.objects.update(brake_floor=3)
    crowd = [world.member() for _ in range(5)]
    for member in crowd:
        buy(world, member, 0)
    result = world.sweep(26)
    assert result.brake is not None
    assert result.brake.matrix == [{"from": "first_paid", "to": "expiring", "members": 5}]
    assert {state(m).lifecycle_state for m in crowd} == {"first_paid"}
    # Held rows are left alone by later sweeps, but a fact about one of them is not made to wait.
    assert world.sweep(27).judged == 0
    terms.switch_auto_renewal(member_id=crowd[0].pk, on=True, at=moment(27), actor=None)
    assert state(crowd[0]).brake_id is None


def test_an_approved_brake_runs(world, django_user_model):
    LifecyclePolicy.objects.update(brake_floor=3)
    crowd = [world.member() for _ in range(5)]
    for member in crowd:
        buy(world, member, 0)
    brake = world.sweep(26).brake
    boss = django_user_model.objects.create_user("boss", role="approver")
    sweep.approve_brake(brake_id=brake.pk, actor=boss, at=moment(27), reason="month end")
    assert sweep.run_approved(brake_id=brake.pk, at=moment(27)).moves[("first_paid", "expiring")] == 5
    assert {state(m).lifecycle_state for m in crowd} == {"expiring"}


def test_a_simulation_ahead_writes_nothing(world):
    member = world.member()
    buy(world, member, 0)
    result = sweep.simulate(at=moment(100))
    assert result.moves == {("first_paid", "expiring"): 1, ("expiring", "expired"): 1, ("expired", "churned"): 1}
    assert path(member) == ["prospect", "first_paid"]


def uninstall(world, member, at):
    world.serial += 1
    row = {"member_id": member.pk, "name": "app_uninstalled", "occurred_at": at, "message_id": f"u{world.serial}"}
    recording.record_events(rows=[row], source=world.source, at=at)


def test_an_uninstall_within_grace_changes_nothing_about_a_renewal(observed):
    member = observed.member()
    first = buy(observed, member, 0)
    observed.active(member, [25.0])
    observed.sweep(32, 13)
    uninstall(observed, member, moment(33))
    observed.sweep(33, 13)
    assert (state(member).lifecycle_state, state(member).membership_status) == ("expired", "grace")
    renewal = terms.renew_membership(member_id=member.pk, at=moment(34), actor=None)
    assert (renewal.starts_at, state(member).lifecycle_state) == (first.ends_at, "first_paid")
    assert tags(member) == set()


def test_who_uninstalled_is_churned_when_the_hold_is_over_unless_active_since(observed):
    gone, back = observed.member(), observed.member()
    for member in (gone, back):
        buy(observed, member, 0)
        uninstall(observed, member, moment(30))
    observed.active(back, [31.0])
    observed.sweep(34)
    assert {state(gone).lifecycle_state, state(back).lifecycle_state} == {"expired"}
    observed.sweep(36)
    assert (state(gone).lifecycle_state, state(gone).target_rule) == ("churned", "uninstalled")
    assert state(back).lifecycle_state == "expired"


def test_a_late_auto_renewal_of_a_silent_member_moves_nothing(observed):
    member = observed.member()
    term = buy(observed, member, 0, observed.year, auto_renewal=True)
    observed.active(member, [1.0])
    observed.sweep(200)
    before = path(member)
    assert (before[-1], state(member).target_rule) == ("churned", "silent")
    observed.sweep(366, 1)
    assert state(member).membership_status == "active"
    terms.renew_membership(member_id=member.pk, at=term.ends_at + timedelta(hours=2), actor=None)
    observed.sweep(370)
    assert path(member) == before
    assert state(member).target_rule == "silent"


def test_renewing_in_grace_and_refunding_again_and_again_gives_no_further_grace(world):
    member = world.member()
    term = buy(world, member, 0)
    held_until = term.ends_at + timedelta(days=3)
    for hours in (10, 20, 30, 40):
        again = terms.purchase(
            member_id=member.pk, plan=world.month, at=term.ends_at + timedelta(hours=hours), actor=None
        )
        terms.refund_term(term_id=again.pk, at=term.ends_at + timedelta(hours=hours + 5), actor=None, reason="")
        world.sweep(32, hours + 6)
        assert (state(member).lifecycle_state, state(member).membership_status) == ("expired", "grace")
    sweep.sweep(at=held_until - timedelta(minutes=1))
    assert state(member).membership_status == "grace"
    sweep.sweep(at=held_until)
    assert (state(member).membership_status, state(member).tier_id) == ("expired", None)


def test_a_gift_alone_has_no_grace_and_a_purchase_after_it_starts_then(world):
    member = world.member()
    gift = terms.give_term(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    sweep.sweep(at=gift.ends_at + timedelta(hours=1))
    assert (state(member).lifecycle_state, state(member).membership_status) == ("expired", "expired")
    at = gift.ends_at + timedelta(hours=70)
    assert terms.purchase(member_id=member.pk, plan=world.month, at=at, actor=None).starts_at == at
    assert "returned" not in tags(member)


def test_grace_counts_from_the_end_of_compensation_behind_a_paid_term(world):
    member = world.member()
    buy(world, member, 0)
    extra = terms.compensate(member_id=member.pk, days=3, at=moment(1), actor=None, reason="outage")
    sweep.sweep(at=extra.ends_at + timedelta(days=3) - timedelta(minutes=1))
    assert state(member).membership_status == "grace"
    sweep.sweep(at=extra.ends_at + timedelta(days=3))
    assert state(member).membership_status == "expired"


def test_paid_churned_trial_and_paid_again_is_returned_and_a_conversion_of_the_trial(world, django_user_model):
    member = world.member()
    buy(world, member, 0)
    world.sweep(80)
    terms.start_trial(member_id=member.pk, plan=world.month, at=moment(80), actor=None)
    buy(world, member, 83)
    assert (state(member).lifecycle_state, tags(member)) == ("first_paid", {"returned"})
    assert LifecycleTransition.objects.filter(member=member, effective_at=moment(83)).conversions().count() == 1


@pytest.mark.parametrize("verb", [terms.refund_term, terms.void_term])
def test_returned_is_withdrawn_with_the_cover_it_came_with(world, verb):
    member = world.member()
    buy(world, member, 0)
    world.sweep(80)
    again = buy(world, member, 80)
    assert tags(member) == {"returned"}
    verb(term_id=again.pk, at=moment(81), actor=None, reason="R")
    assert tags(member) == set()


def test_a_later_term_beyond_the_grace_does_not_keep_from_expiring(world):
    near, far = world.member(), world.member()
    for member, day in ((near, 34), (far, 40)):
        buy(world, member, 0)
        buy(world, member, 1, starts_at=moment(day, 0))
    world.sweep(28)
    assert (state(near).lifecycle_state, state(far).lifecycle_state) == ("first_paid", "expiring")
    assert state(far).expiration_time == moment(32, 0)


def test_who_has_only_a_term_ahead_is_a_prospect(world):
    member = world.member()
    buy(world, member, 0, starts_at=moment(10, 0))
    assert (state(member).lifecycle_state, state(member).target_rule) == ("prospect", "upcoming")
    world.sweep(10)
    assert state(member).lifecycle_state == "first_paid"


def test_a_term_to_a_day_has_that_day_as_its_last(world):
    member = people.create_member(actor=None, at=moment(0))
    MembershipTerm.objects.create(
        member=member, tier=world.gold, kind="paid", starts_at=moment(-80, 0), ends_at=moment(10, 0),
        anchor_on=moment(-80, 0).date(), booked_at=moment(0, 13),
    )  # fmt: skip
    MemberLifecycle.objects.filter(pk=member.pk).mark_due(moment(0, 13))
    world.sweep(1, 23)
    assert state(member).lifecycle_state == "first_paid"
    world.sweep(2, 1)
    assert state(member).lifecycle_state == "expiring"
    world.sweep(9, 23)
    assert state(member).lifecycle_state == "expiring"
    world.sweep(10, 0)
    assert state(member).lifecycle_state == "expired"


def test_a_set_aside_term_keeps_its_window_and_its_tenure(world):
    member = world.member()
    buy(world, member, 0, world.year)
    platinum = buy(world, member, 80, world.black_month)
    terms.refund_term(term_id=platinum.pk, at=moment(88), actor=None, reason="R")
    world.sweep(89, 23)
    assert state(member).lifecycle_state == "first_paid"
    world.sweep(90, 1)
    assert state(member).lifecycle_state == "stable"
