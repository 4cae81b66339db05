"""Term operations under concurrency, and the command that sweeps."""

import json
import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from config.audit.models import AuditEntry
from config.engine.clock import now
from config.engine.refusal import Refused
from members.events.operations import recording
from members.lifecycle.models import LifecycleTransition
from members.people.operations import people
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests import factories
from tests.members.world import World, moment, state


def at_once(count, work):
    """Run ``work(n)`` in so many threads from one starting line; returns what each returned or raised."""
    line, results = threading.Barrier(count), [None] * count

    def run(n):
        try:
            line.wait()
            results[n] = work(n)
        except Exception as error:  # the test looks at it
            results[n] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return results


@pytest.mark.django_db(transaction=True)
def test_one_order_booked_by_eight_at_once_is_one_term():
    world = World()
    member = world.member()
    booked = at_once(
        8,
        lambda n: (
            terms.purchase(member_id=member.pk, plan=world.month, at=moment(1), actor=None, external_ref="o-1").pk
        ),
    )
    assert len(set(booked)) == 1, booked
    assert MembershipTerm.objects.filter(member=member).count() == 1


@pytest.mark.django_db(transaction=True)
def test_eight_purchases_at_once_queue_up_and_none_is_lost():
    world = World()
    member = world.member()
    booked = at_once(8, lambda n: _buy(member, world, n))
    assert not [b for b in booked if isinstance(b, Exception)], booked
    spans = list(MembershipTerm.objects.filter(member=member).order_by("starts_at").values_list("starts_at", "ends_at"))
    assert len(spans) == 8
    assert all(earlier[1] == later[0] for earlier, later in pairwise(spans))


def _buy(member, world, n):
    return terms.purchase(member_id=member.pk, plan=world.month, at=moment(1), actor=None, external_ref=f"o-{n}").pk


@pytest.mark.django_db
def test_overlapping_terms_are_refused_by_the_database():
    world = World()
    member = world.member()
    term = terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    with pytest.raises(IntegrityError, match="term_no_overlap"), transaction.atomic():
        MembershipTerm.objects.create(
            member=member, tier=world.gold, kind="gift", starts_at=term.ends_at - timedelta(days=1),
            ends_at=term.ends_at + timedelta(days=9), anchor_on=term.anchor_on, booked_at=moment(0),
        )  # fmt: skip


@pytest.mark.django_db
def test_every_operation_leaves_an_audit_row_naming_who_did_it(django_user_model):
    world, actor = World(), django_user_model.objects.create_user("olga", role="operator")
    member = world.member()
    bought = terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=actor)
    terms.compensate(member_id=member.pk, days=3, at=moment(1), actor=actor, reason="outage")
    terms.switch_auto_renewal(member_id=member.pk, on=True, at=moment(2), actor=actor)
    terms.change_tier(term_id=bought.pk, tier=world.black, at=moment(3), actor=actor, reason="goodwill")
    assert state(member).tier_id == world.black.pk
    actions = (
        AuditEntry.objects.filter(member_id=member.pk, actor=actor).order_by("id").values_list("action", flat=True)
    )
    assert list(actions) == ["term.paid", "term.compensation", "auto_renewal.on", "term.tier_changed"]
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AuditEntry.objects.all().delete()


@pytest.mark.django_db
@pytest.mark.parametrize("currency", ["CNY", "JPY"])
def test_what_was_paid_is_not_weighed_against_a_price_in_whatever_currency(currency):
    world = World()
    member = world.member()
    bought = terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    dearer = factories.PlanFactory(tier=world.black, price_cents=2 * world.month.price_cents, currency=currency)
    term = terms.purchase(member_id=member.pk, plan=dearer, at=moment(1), actor=None)
    bought.refresh_from_db()
    assert (term.starts_at, bought.close_reason) == (moment(1), "set_aside")
    (rest,) = bought.later_rows.all()
    assert (rest.starts_at, rest.ends_at - rest.starts_at) == (term.ends_at, bought.ends_at - moment(1))


@pytest.mark.django_db
def test_compensation_is_appended_and_keeps_the_tier():
    world = World()
    member = world.member()
    bought = terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    extra = terms.compensate(member_id=member.pk, days=5, at=moment(1), actor=None, reason="outage")
    assert (extra.starts_at, extra.ends_at) == (bought.ends_at, bought.ends_at + timedelta(days=5))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("verb", "code"),
    [
        (lambda w, m: terms.start_trial(member_id=m.pk, plan=w.year, at=moment(0), actor=None), "plan_has_no_trial"),
        (lambda w, m: terms.renew_membership(member_id=m.pk, at=moment(0), actor=None), "nothing_to_renew"),
        (
            lambda w, m: terms.compensate(member_id=m.pk, days=3, at=moment(0), actor=None, reason=""),
            "nothing_to_extend",
        ),
        (
            lambda w, m: terms.compensate(member_id=m.pk, days=0, at=moment(0), actor=None, reason=""),
            "days_out_of_range",
        ),
    ],
)
def test_an_operation_that_does_not_apply_says_so_and_changes_nothing(verb, code):
    world = World()
    member = world.member()
    with pytest.raises(Refused, match=code):
        verb(world, member)
    assert not MembershipTerm.objects.filter(member=member).exists()


@pytest.mark.django_db
def test_the_sweep_command_looks_ahead_only_without_writing(capsys):
    world = World()
    member = people.create_member(actor=None, at=now())
    terms.purchase(member_id=member.pk, plan=world.month, at=now(), actor=None)
    ahead = (now() + timedelta(days=60)).isoformat()
    with pytest.raises(CommandError, match="--dry-run"):
        call_command("sweep_lifecycle", "--at", ahead)
    with pytest.raises(CommandError, match="UTC offset"):
        call_command("sweep_lifecycle", "--at", "2026-12-01T09:00", "--dry-run")
    rows = LifecycleTransition.objects.count()
    call_command("sweep_lifecycle", "--at", ahead, "--dry-run", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert {"from": "expiring", "to": "expired", "members": 1} in answer["moves"]
    assert LifecycleTransition.objects.count() == rows


@pytest.mark.django_db
def test_a_late_event_of_the_past_counts_from_when_it_is_known():
    """Activity that arrives late neither rewrites the log nor is lost."""
    world = World(source_since=-400)
    member = world.member()
    terms.purchase(member_id=member.pk, plan=world.year, at=moment(0), actor=None)
    world.sweep(45)
    assert state(member).target_rule == "silent"
    row = {"member_id": member.pk, "name": "opened", "occurred_at": moment(40), "message_id": "late"}
    assert recording.record_events(rows=[row], source=world.source, at=moment(46)) == 1
    assert recording.record_events(rows=[row], source=world.source, at=moment(46)) == 0
    world.sweep(46)
    assert state(member).lifecycle_state == "first_paid"
    back = LifecycleTransition.objects.filter(member=member).latest("id")
    assert back.effective_at >= moment(45) - timedelta(days=16)
