"""The engine's own promises: one log whatever the rhythm, two executors alike, and a database that refuses the rest."""

import contextlib
import os
import random
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.engine.refusal import Refused
from members.events.operations import recording
from members.lifecycle.lifecycle import EDGES, MOVES, Rule, State
from members.lifecycle.models import LifecyclePolicy, LifecycleTransition, MemberLifecycle
from members.lifecycle.operations import moves, sweep
from members.terms.models import MembershipTerm, MemberSignal
from members.terms.operations import terms
from tests.members.world import World, log, moment, path, state

pytestmark = pytest.mark.django_db

# Facts a member can meet, as (kind, day, hour) drawn over sixty days.
FACTS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "buy",
                "buy_week",
                "renew",
                "trial",
                "gift",
                "refund",
                "auto_on",
                "auto_off",
                "failed",
                "void",
                "visit",
                "visit",
                "visit",
                "uninstall",
            ]
        ),
        st.integers(0, 1439),
    ),
    min_size=1,
    max_size=14,
)


def meet(world, member, kind, at):
    """Let the fact happen at ``at``; one that does not apply is refused and leaves nothing."""
    known = MembershipTerm.objects.filter(member=member, close_reason="").order_by("starts_at")
    try:
        match kind:
            case "buy":
                terms.purchase(member_id=member.pk, plan=world.month, at=at, actor=None)
            case "buy_week":
                terms.purchase(member_id=member.pk, plan=world.week, at=at, actor=None)
            case "renew":
                terms.renew_membership(member_id=member.pk, at=at, actor=None)
            case "trial":
                terms.start_trial(member_id=member.pk, plan=world.month, at=at, actor=None)
            case "gift":
                terms.give_term(member_id=member.pk, plan=world.month, at=at, actor=None)
            case "refund" | "void" if known:
                verb = terms.refund_term if kind == "refund" else terms.void_term
                verb(term_id=known.last().pk, at=at, actor=None, reason="test")
            case "auto_on" | "auto_off":
                terms.switch_auto_renewal(member_id=member.pk, on=kind == "auto_on", at=at, actor=None)
            case "failed":
                terms.record_renewal_failure(member_id=member.pk, at=at, actor=None)
            case "visit" | "uninstall":
                world.serial += 1
                name = "opened" if kind == "visit" else "app_uninstalled"
                row = {"member_id": member.pk, "name": name, "occurred_at": at, "message_id": f"f{world.serial}"}
                recording.record_events(rows=[row], source=world.source, at=at)
    except Refused:
        pass


def live_through(world, facts, *, hourly):
    """One member's sixty days: swept every hour, or only once at the end with nothing judged on the way."""
    member = world.member()
    agenda = sorted((hour, i, kind) for i, (kind, hour) in enumerate(facts))
    with contextlib.nullcontext() if hourly else sweep.judged_later():
        for hour in range(60 * 24):
            while agenda and agenda[0][0] == hour:
                _, _, kind = agenda.pop(0)
                meet(world, member, kind, moment(hour / 24) + timedelta(minutes=17))
            if hourly:
                sweep.sweep(at=moment(hour / 24) + timedelta(minutes=59))
    sweep.sweep(at=moment(61))
    return member


@settings(
    # Each example is 1,440 sweeps; the long form runs under MOC_SOAK.
    max_examples=200 if os.environ.get("MOC_SOAK") else 4, deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(facts=FACTS)
def test_sweeping_every_hour_and_once_at_the_end_give_the_same_log(facts):
    with transaction.atomic():
        world = World(source_since=-10)
        often = live_through(world, facts, hourly=True)
        once = live_through(world, facts, hourly=False)
        assert log(often) == log(once), facts
        assert not MemberLifecycle.objects.anomalous().exists(), facts
        transaction.set_rollback(True)


def lone(state_name, world):
    """A member forced, by logged legal moves, into a state."""
    member = world.member()
    if state_name not in (None, "prospect"):
        force(member.pk, "prospect", state_name)
    return member


def force(member_id, source, target):
    entry = LifecycleTransition.objects.create(
        member_id=member_id, from_state=source, to_state=target, move="test", rule=Rule.NO_TERM,
        policy=LifecyclePolicy.objects.first(), effective_at=moment(0), recorded_at=moment(0),
    )  # fmt: skip
    MemberLifecycle.objects.filter(pk=member_id).update(lifecycle_state=target, transition_id=entry.pk)


@pytest.mark.parametrize("source", list(State))
@pytest.mark.parametrize("target", list(State))
def test_the_database_refuses_an_undeclared_edge_and_an_unlogged_one(source, target):
    world = World()
    member = lone(source.value, world)
    if source == target:
        return
    rows = MemberLifecycle.objects.filter(pk=member.pk)
    with pytest.raises(IntegrityError, match=r"unlogged|undeclared"), transaction.atomic():
        rows.update(lifecycle_state=target.value)
    if (source.value, target.value) in EDGES:
        force(member.pk, source.value, target.value)
        assert state(member).lifecycle_state == target
    else:
        with pytest.raises(IntegrityError, match="undeclared"), transaction.atomic():
            force(member.pk, source.value, target.value)
        assert state(member).lifecycle_state == source


def test_a_log_row_cannot_be_used_twice_or_changed():
    world = World()
    member = world.member()
    terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        LifecycleTransition.objects.update(to_state="stable")
    with (
        pytest.raises(IntegrityError, match=r"unlogged|undeclared"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE members_memberlifecycle SET lifecycle_state = 'stable', transition_id = "
            "(SELECT min(id) FROM members_lifecycletransition) WHERE member_id = %s", [member.pk],
        )  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_both_executors_make_the_same_move(seed):
    """For a random member at a random later instant, django-fsm and the sweep choose the same move and log it alike."""
    draw = random.Random(seed)
    kinds = ["buy", "trial", "gift", "refund", "auto_on", "auto_off", "visit", "uninstall", "void", "renew"]
    facts = [(draw.choice(kinds), draw.randrange(0, 30 * 24)) for _ in range(draw.randrange(1, 6))]
    with transaction.atomic():
        world = World(source_since=-10)
        twins = [world.member(), world.member()]
        for kind, hour in sorted(facts, key=lambda f: f[1]):
            for twin in twins:
                meet(world, twin, kind, moment(hour / 24))
        by_object, by_set = twins
        at = min(
            (r.next_due_at for r in MemberLifecycle.objects.filter(pk__in=[t.pk for t in twins]) if r.next_due_at),
            default=moment(80),
        )
        entry = moves.move_member(member_id=by_object.pk, at=at, actor=None)
        sweep.catch_up(member_ids=[by_set.pk], at=at)
        mine = LifecycleTransition.objects.filter(member=by_object).order_by("id")
        theirs = LifecycleTransition.objects.filter(member=by_set).order_by("id")
        fields = ("from_state", "to_state", "move", "rule", "effective_at")
        if entry is None:
            assert path(by_object) == path(by_set)
        else:
            assert list(mine.values(*fields)) == list(theirs.values(*fields))[: mine.count()]
        transaction.set_rollback(True)


def test_every_move_is_a_transition_of_the_row():
    for move in MOVES:
        assert hasattr(getattr(MemberLifecycle, move.name), "_django_fsm")


def test_a_computed_state_that_no_edge_reaches_is_an_anomaly_and_not_forced():
    world = World()
    member = world.member()
    terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    # Raw data no operation would make: the paid term that has begun put off.
    MembershipTerm.objects.filter(member=member).update(starts_at=moment(10))
    MemberLifecycle.objects.filter(pk=member.pk).mark_due(moment(1))
    sweep.sweep(at=moment(1))
    assert state(member).lifecycle_state == "first_paid"
    assert list(MemberLifecycle.objects.anomalous().values_list("pk", "target_state")) == [(member.pk, "prospect")]


def test_signals_of_one_instant_count_in_the_order_they_were_recorded():
    world = World()
    member = world.member()
    for kind in ("auto_renewal_on", "auto_renewal_off", "auto_renewal_on"):
        MemberSignal.objects.create(member=member, kind=kind, at=moment(1))
    MemberLifecycle.objects.filter(pk=member.pk).mark_due(moment(1))
    sweep.sweep(at=moment(1))
    assert state(member).auto_renewal_flag is True
