"""Merges beside other work: nothing is lost, nothing is there twice."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from campaigns.models import Enrollment, MessageIntent
from campaigns.operations.planning import plan
from config.engine.refusal import Refused
from members.events.models import ActiveDay, Event
from members.events.operations.keys import make_key
from members.events.operations.taking import take_messages
from members.lifecycle.models import MemberLifecycle
from members.merging.models import MergeRecord
from members.merging.operations.merging import gather_strays, merge_members
from members.merging.operations.unmerging import unmerge_members
from members.people.models import Identity, Member
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests import factories
from tests.members.merging.people import DAY, give_events, give_term, make_person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("any_date")]


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run each in a thread and connection of its own, started together; errors are returned."""
    ready = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        try:
            ready.wait()
            return work()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_two_merges_of_the_same_two_at_once(now):
    for number in range(6):
        a, b = make_person(now - DAY, 10 + number), make_person(now - DAY, 30 + number)
        give_events(b, [now - DAY])
        found = at_once(
            lambda a=a, b=b: merge_members(actor=None, at=now, survivor_id=a.pk, absorbed_id=b.pk),
            lambda a=a, b=b: merge_members(actor=None, at=now, survivor_id=b.pk, absorbed_id=a.pk),
        )
        assert sorted(type(one).__name__ for one in found) == ["MergeRecord", "Refused"], found
        assert next(one.code for one in found if isinstance(one, Refused)) == "gone"
    assert MergeRecord.objects.count() == 6 == Member.objects.count() == MemberLifecycle.objects.count()
    assert Event.objects.filter(member__in=Member.objects.all()).count() == 6


def test_events_that_arrive_meanwhile_are_the_survivors(now):
    a, b = make_person(now - DAY, 1), make_person(now - DAY, 2)
    admin = factories.UserFactory(role="admin")
    key, _ = make_key(source_id=factories.SourceFactory().pk, label="k", scopes=["events"], actor=admin, at=now)
    outcomes = []

    def send(first: int) -> None:
        for n in range(first, first + 15):
            user = "x2" if n % 2 else "x1"
            batch = [{"type": "track", "userId": user, "event": "opened", "messageId": f"{n}-{k}"} for k in range(4)]
            body = json.dumps({"batch": batch})
            outcomes.append(take_messages(body=body, kind="batch", key_hash=key.key_hash, at=now).accepted)

    errors = at_once(
        lambda: send(0), lambda: send(100),
        lambda: merge_members(actor=None, at=now, survivor_id=a.pk, absorbed_id=b.pk),
    )  # fmt: skip
    assert not [error for error in errors if isinstance(error, Exception)], errors
    gather_strays(at=now)
    assert sum(outcomes) == 120 == Event.objects.filter(member=a).count()
    assert not Event.objects.filter(member=b).exists()
    assert not ActiveDay.objects.filter(member=b).exists()


def test_what_was_read_before_and_written_after_is_gathered_and_goes_back(now):
    a, b = make_person(now - DAY, 1), make_person(now - DAY, 2)
    record = merge_members(actor=None, at=now, survivor_id=a.pk, absorbed_id=b.pk)
    give_events(a, [now - DAY])
    Event.objects.filter(member=a).update(member=b)
    ActiveDay.objects.filter(member=a).update(member=b)
    assert gather_strays(at=now) == 2
    assert gather_strays(at=now) == 0
    assert Event.objects.get().member_id == a.pk
    unmerge_members(actor=None, at=now, record_id=record.pk)
    assert Event.objects.get().member_id == b.pk == ActiveDay.objects.get().member_id


def test_messages_planned_meanwhile_are_planned_once_for_the_survivor(now):
    pairs = [(make_person(now - 90 * DAY, n), make_person(now - 90 * DAY, 50 + n)) for n in range(8)]
    for _, b in pairs:
        give_term(b, now - 25 * DAY)

    def merge_all() -> None:
        for a, b in pairs:
            merge_members(actor=None, at=now, survivor_id=a.pk, absorbed_id=b.pk)

    errors = at_once(merge_all, lambda: [plan(at=now) for _ in range(8)])
    assert not [error for error in errors if isinstance(error, Exception)], errors
    gather_strays(at=now)
    plan(at=now)
    survivors = {a.pk for a, _ in pairs}
    assert set(Enrollment.objects.filter(exited_at=None).values_list("member_id", flat=True)) >= survivors
    for a, b in pairs:
        steps = list(MessageIntent.objects.filter(member=a).values_list("step_key", flat=True))
        assert len(steps) == len(set(steps)) > 0
        stray = MessageIntent.objects.filter(member=b).values_list("step_key", flat=True)
        assert set(stray) <= set(steps)


def test_a_purchase_meanwhile_is_hers_or_says_why_not(now):
    month = factories.PlanFactory(code="month")
    booked = 0
    for number in range(6):
        a, b = make_person(now - DAY, 10 + number), make_person(now - DAY, 30 + number)
        found = at_once(
            lambda a=a, b=b: merge_members(actor=None, at=now, survivor_id=a.pk, absorbed_id=b.pk),
            lambda b=b: terms.purchase(member_id=b.pk, plan=month, at=now, actor=None),
        )
        errors = [one for one in found if isinstance(one, Exception)]
        assert all(isinstance(error, Refused) and error.code == "member_merged" for error in errors), errors
        booked += not errors
        assert MembershipTerm.objects.filter(member=b).count() == 0
        assert Identity.every.filter(member=b).count() == 0
    assert MembershipTerm.objects.count() == booked
