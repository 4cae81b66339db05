"""A body that calls for nothing but its events is one statement; what it leaves is what a transaction would leave."""

from datetime import timedelta
from typing import Any

import pytest

from members.events.models import ActiveDay, Event, EventDay, EventDefinition, EventProperty, IngestDay, WriteKey
from members.events.operations import taking
from members.lifecycle.models import MemberLifecycle
from members.terms.models import MemberSignal
from tests.members.events.conftest import AT, track

pytestmark = pytest.mark.django_db

LATER = AT + timedelta(minutes=5)
FIRST = [track(1), track(2, user="u2")]
ORDINARY = [
    track(1),
    track(3, timestamp=AT.isoformat(), properties={"plan": "gold", "n": 1}),
    track(4, event="never seen", properties={"n": "one"}),
    track(5, user="u2", event="app_uninstalled", timestamp=(AT - timedelta(days=2)).isoformat()),
    track(5, user="u2", timestamp=(AT - timedelta(days=1)).isoformat()),
    track(6, properties={"revenue": 12.5, "currency": "cny"}),
    track(7, event=""),
]


def _left() -> dict[str, list[tuple[Any, ...]]]:
    """What is in the tables an event writes to."""
    fields = {
        Event: ["member__identities__value", "definition__name", "occurred_at", "message_id", "value_cents"],
        EventDay: ["definition__name", "local_on", "events", "last_at"],
        EventDefinition: ["name", "is_activity"],
        EventProperty: ["definition__name", "name", "types", "last_seen_at"],
        ActiveDay: ["member__identities__value", "local_on", "first_at"],
        IngestDay: ["local_on", "accepted", "duplicate", "rejected", "parked"],
        MemberLifecycle: ["member__identities__value", "last_active_time", "next_due_at"],
        MemberSignal: ["member__identities__value", "kind", "at"],
        WriteKey: ["last_used_at"],
    }  # fmt: skip
    return {model.__name__: sorted(model.objects.values_list(*names), key=str) for model, names in fields.items()}


@pytest.fixture
def apart(monkeypatch, send) -> list[str]:
    """The bodies taken in a transaction of several statements, after the first."""
    bodies, take_apart = [], taking._take_apart

    def noted(params: dict[str, Any]) -> taking.Outcome:
        bodies.append(params["body"])
        return take_apart(params)

    send(FIRST)
    monkeypatch.setattr(taking, "_take_apart", noted)
    return bodies


@pytest.mark.parametrize("words", [taking.ABOUT_PEOPLE, ('"batch"',)], ids=["alone", "apart"])
def test_both_ways_leave_the_same(send, apart, monkeypatch, words):
    monkeypatch.setattr(taking, "ABOUT_PEOPLE", words)
    answer = send(ORDINARY, at=AT + timedelta(milliseconds=500))
    assert len(apart) == (words == ('"batch"',))
    assert answer.json() == {
        "success": True, "accepted": 4, "duplicates": 2, "parked": 0, "rejected": [{"index": 6, "reason": "event"}],
    }  # fmt: skip
    left = _left()
    assert sorted(row[3] for row in left["Event"]) == ["m1", "m2", "m3", "m4", "m5", "m6"]
    assert [row[1:] for row in left["EventProperty"]] == [
        ("n", ["string"], AT), ("currency", ["string"], AT), ("n", ["number"], AT), ("plan", ["string"], AT),
        ("revenue", ["number"], AT),
    ]  # fmt: skip
    assert left["IngestDay"] == [(AT.date(), 6, 2, 1, 0)]
    assert [row[1:] for row in left["MemberSignal"]] == [("uninstalled", AT - timedelta(days=2))]


@pytest.mark.parametrize(
    "message",
    [
        track(8, user="somebody new"),
        track(8) | {"anonymousId": "a visitor"},
        {"type": "identify", "userId": "u1", "messageId": "m8", "traits": {"city": "上海"}},
    ],
    ids=["newcomer", "visitor", "profile"],
)
def test_what_calls_for_more_is_taken_in_a_transaction(send, apart, message):
    assert send([track(3), message]).json()["accepted"] == 2
    assert len(apart) == 1


def test_a_word_of_a_source_not_heard_for_a_while_is_noted(send, apart, source):
    send([track(3, timestamp=LATER.isoformat())], at=LATER)
    source.refresh_from_db()
    assert source.last_event_at == LATER
    assert len(apart) == 1


def test_who_sends_again_after_a_failure_has_the_properties_noted(send, monkeypatch):
    send(FIRST)
    batch = [track(3, properties={"plan": "gold"})]
    with monkeypatch.context() as failing:
        failing.setattr(taking, "describe", lambda properties: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send(batch)
    assert not EventProperty.objects.exists()
    assert send(batch).json()["duplicates"] == 1
    assert EventProperty.objects.get().name == "plan"
