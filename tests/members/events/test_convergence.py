"""Late, repeated, reordered and future messages leave one state, whatever the order they come in."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import permutations
from math import factorial
from typing import Any

import pytest
from django.db import transaction

from members.events.models import (
    ActiveDay,
    Event,
    EventDay,
    EventDefinition,
    ParkedEvent,
    Source,
    TraitStamp,
    WriteKey,
)
from members.events.operations.catalogue import recount_activity
from members.events.operations.taking import take_messages
from members.lifecycle.models import LifecyclePolicy, MemberLifecycle
from members.lifecycle.operations.sweep import sweep
from members.people.models import Identity, Member
from members.people.operations import people
from members.segments.compiler import members_of
from members.segments.schema import read_rule
from members.terms.operations import terms
from tests import factories
from tests.members.events.conftest import AT, track

pytestmark = pytest.mark.django_db


State = dict[str, Any]


def _at(days: float) -> str:
    return (AT + timedelta(days=days)).isoformat()


LATE = track(1) | {"timestamp": _at(-20)}
VISITOR = {"type": "track", "anonymousId": "v1", "event": "opened", "messageId": "m2", "timestamp": _at(-3)}
FIRST = {
    "type": "identify", "userId": "u1", "anonymousId": "v1", "messageId": "m3", "timestamp": _at(-2),
    "traits": {"city": "Paris", "name": "Li", "gender": "odd", "pet": "cat", "email": "old@example.com"},
}  # fmt: skip
SECOND = {
    "type": "identify", "userId": "u1", "messageId": "m4", "timestamp": _at(-1),
    "traits": {"city": "Rome", "gender": "f", "pet": None, "email": "new@example.com"},
}  # fmt: skip
FUTURE = track(5, properties={"revenue": 3}) | {"timestamp": _at(2)}
MESSAGES = (LATE, VISITOR, FIRST, SECOND, FUTURE, LATE)


def _state() -> State:
    return {
        "events": sorted(Event.objects.values_list("message_id", "occurred_at", "value_cents")),
        "days": sorted(ActiveDay.objects.values_list("local_on", "first_at")),
        "volume": sorted(EventDay.objects.values_list("local_on", "events", "last_at")),
        "stamps": sorted(TraitStamp.objects.values_list("name", "message_id")),
        "identities": sorted(Identity.objects.values_list("kind", "value")),
        "profile": list(Member.objects.values_list("display_name", "city", "gender", "attributes")),
        "lifecycle": list(MemberLifecycle.objects.values_list("lifecycle_state", "last_active_time", "next_due_at")),
        "parked": ParkedEvent.objects.count(),
    }


def _outcomes(
    key: WriteKey, left: Sequence[int], done: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], State]]:
    """The state after every order of the messages ``left``, swept after each; what orders share is done once."""
    if not left:
        sweep(at=AT + timedelta(days=3))
        yield done, _state()
    for n in left:
        if MESSAGES.index(MESSAGES[n]) in left and MESSAGES.index(MESSAGES[n]) != n:
            continue  # The repeated message first gives what the message first gives.
        with transaction.atomic():
            take_messages(body=json.dumps({"batch": [MESSAGES[n]]}), kind="batch", key_hash=key.key_hash, at=AT)
            sweep(at=AT)
            yield from _outcomes(key, [other for other in left if other != n], (*done, n))
            transaction.set_rollback(True)


def test_every_order_of_six_gives_one_state(secret, source):
    Source.objects.update(creates_members=False, connected_at=AT - timedelta(days=60))
    LifecyclePolicy.objects.update(active_days_enter=3, active_days_keep=2)
    member = people.create_member(actor=None, at=AT - timedelta(days=40), identities={"external_id": "u1"})
    terms.purchase(
        member_id=member.pk, plan=factories.PlanFactory(duration_unit="year"), at=AT - timedelta(days=40), actor=None
    )
    key = WriteKey.objects.select_related("source").get()
    outcomes = _outcomes(key, range(len(MESSAGES)))
    _, expected = next(outcomes)
    assert [name for name, *_ in expected["events"]] == ["m1", "m2", "m5"]
    assert expected["profile"] == [("Li", "Rome", "female", {"pet": None})]
    assert ("email", "new@example.com") in expected["identities"]
    assert expected["lifecycle"][0][0] == "highly_active"
    assert expected["parked"] == 0
    orders = 1
    for order, outcome in outcomes:
        assert outcome == expected, order
        orders += 1
    assert orders == factorial(6) // 2


def test_one_batch_leaves_what_single_messages_leave(secret, source):
    key = WriteKey.objects.select_related("source").get()
    _, single = list(_outcomes(key, range(2, len(MESSAGES)))).pop()
    take_messages(body=json.dumps({"batch": MESSAGES[2:]}), kind="batch", key_hash=key.key_hash, at=AT)
    sweep(at=AT)
    sweep(at=AT + timedelta(days=3))
    assert _state() == single


def _visit(key: WriteKey, *seconds: int) -> None:
    _receive(key, *seconds, at=AT)


def _receive(key: WriteKey, *seconds: int, at: datetime) -> None:
    """Take events whose clocks show so many seconds after ``AT``."""
    for n in seconds:
        message = track(n) | {"timestamp": (AT + timedelta(seconds=n)).isoformat()}
        take_messages(body=json.dumps({"batch": [message]}), kind="batch", key_hash=key.key_hash, at=at)


@pytest.mark.parametrize("order", list(permutations((0, 30, 70, 95))))
def test_last_activity_is_the_minute_of_the_latest_event(secret, source, order):
    _receive(WriteKey.objects.select_related("source").get(), *order, at=AT + timedelta(minutes=2))
    assert MemberLifecycle.objects.get().last_active_time == AT + timedelta(minutes=1)


def test_a_clock_that_is_ahead_never_sets_last_activity_beyond_the_receipt(secret, source):
    key = WriteKey.objects.select_related("source").get()
    an_hour_ahead = 3600
    _receive(key, -an_hour_ahead, an_hour_ahead, at=AT)
    assert MemberLifecycle.objects.get().last_active_time == AT
    rule = {"kind": "lifecycle.last_active", "when": {"op": "within_last", "amount": 7, "unit": "days"}}
    seen = members_of(read_rule({"version": 1, "root": {"kind": "all", "items": [rule]}}), AT)
    assert seen.count() == 1
    EventDefinition.objects.update(recount_due_at=AT)
    recount_activity(at=AT + timedelta(days=1))
    assert MemberLifecycle.objects.get().last_active_time == AT


def test_activity_later_in_the_minute_of_a_look_is_looked_at_when_it_comes(secret, source):
    member = people.create_member(actor=None, at=AT - timedelta(days=40), identities={"external_id": "u1"})
    terms.purchase(member_id=member.pk, plan=factories.PlanFactory(), at=AT - timedelta(days=4), actor=None)
    sweep(at=AT)
    MemberLifecycle.objects.all().mark_due(AT)
    _visit(WriteKey.objects.select_related("source").get(), 40)
    sweep(at=AT + timedelta(seconds=20))
    assert MemberLifecycle.objects.get().next_due_at == AT + timedelta(seconds=40)


def test_activity_of_a_clock_that_is_ahead_is_looked_at_when_it_comes(secret, source):
    member = people.create_member(actor=None, at=AT - timedelta(days=40), identities={"external_id": "u1"})
    terms.purchase(member_id=member.pk, plan=factories.PlanFactory(), at=AT - timedelta(days=4), actor=None)
    _visit(WriteKey.objects.select_related("source").get(), 3600)
    MemberLifecycle.objects.all().mark_due(AT + timedelta(minutes=10))
    sweep(at=AT + timedelta(minutes=10))
    assert MemberLifecycle.objects.get().next_due_at == AT + timedelta(hours=1)
