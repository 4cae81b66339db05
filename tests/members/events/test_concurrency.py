"""Programs send at the same time: exact totals, one member for one person."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from members.events.models import ActiveDay, Event, EventDay, EventDefinition, IngestDay, WriteKey
from members.events.operations.catalogue import recount_activity
from members.events.operations.keys import make_key
from members.events.operations.taking import take_messages
from members.events.querysets.catalogue import EventDefinitionQuerySet
from members.people.models import Member
from tests import factories
from tests.dates import AT

USERS, REQUESTS = 20, 12


def key_of_an_app(at: datetime) -> WriteKey:
    source = factories.SourceFactory(creates_members=True)
    admin = factories.UserFactory(role="admin")
    key, _ = make_key(source_id=source.pk, label="App", scopes=["events", "profiles"], actor=admin, at=at)
    return key


@pytest.mark.django_db(transaction=True)
def test_the_same_people_in_many_requests_at_once():
    at = AT
    key = key_of_an_app(at)

    def request(n: int) -> int:
        users = range(USERS) if n % 2 else reversed(range(USERS))
        batch = [
            {
                "type": "track",
                "userId": f"u{u}",
                "event": f"e{u % 5}",
                "messageId": f"{n // 2}-{u}",
                "properties": {f"p{u}": n},
            }
            for u in users
        ]
        try:
            return take_messages(body=json.dumps({"batch": batch}), kind="batch", key_hash=key.key_hash, at=at).accepted
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        accepted = list(pool.map(request, range(REQUESTS)))
    assert sum(accepted) == USERS * REQUESTS // 2 == Event.objects.count()
    assert Member.objects.count() == USERS == ActiveDay.objects.count()
    (day,) = IngestDay.objects.by_day()
    assert (day["accepted"], day["duplicate"]) == (USERS * REQUESTS // 2, USERS * REQUESTS // 2)
    assert sum(EventDay.objects.values_list("events", flat=True)) == USERS * REQUESTS // 2


@pytest.mark.django_db(transaction=True)
def test_a_request_does_not_wait_for_what_another_counts():
    at = AT
    key = key_of_an_app(at)
    ours = connection.connection.info.backend_pid

    def request(user: str, number: int) -> int:
        batch = [{"type": "track", "userId": user, "event": "opened", "messageId": f"{user}-{number}"}]
        return take_messages(body=json.dumps({"batch": batch}), kind="batch", key_hash=key.key_hash, at=at).accepted

    def request_of_another_slot() -> int:
        try:
            connection.ensure_connection()
            while (connection.connection.info.backend_pid - ours) % 16 == 0:
                connection.close()
                connection.ensure_connection()
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            return request("b", 2)
        finally:
            connection.close()

    assert request("a", 1) == request("b", 1) == 1
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        assert request("a", 2) == 1
        assert pool.submit(request_of_another_slot).result() == 1
    (day,) = IngestDay.objects.by_day()
    assert (day["accepted"], sum(EventDay.objects.values_list("events", flat=True))) == (4, 4)


@pytest.mark.django_db(transaction=True)
def test_what_comes_in_while_activity_is_counted_anew_keeps_its_day(monkeypatch):
    """Late activity relies on an active day that the count, which cannot see it yet, is about to take away."""
    at = AT
    day = at - timedelta(days=3)
    member = factories.make_member(at=at - timedelta(days=9))
    for name, occurred_at in (("pushed", day), ("opened", at - timedelta(days=1))):
        factories.make_event(member=member, at=occurred_at, name=name)
    EventDefinition.objects.filter(name="pushed").update(is_activity=False, recount_due_at=at)
    recount, late = EventDefinitionQuerySet.recount, []

    def opened_late() -> None:
        try:
            factories.make_event(member=member, at=day + timedelta(hours=1), name="opened")
        finally:
            connection.close()

    def recount_while_she_opens(self: EventDefinitionQuerySet, params: dict[str, Any]) -> int:
        members = recount(self, params)
        if not late:
            late.append(1)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(opened_late).result()
        return members

    monkeypatch.setattr(EventDefinitionQuerySet, "recount", recount_while_she_opens)
    assert recount_activity(at=at) == 1
    assert day + timedelta(hours=1) in ActiveDay.objects.values_list("first_at", flat=True)


@pytest.mark.django_db(transaction=True)
def test_a_new_month_is_made_once_for_all_who_need_it():
    at = AT
    key = key_of_an_app(at)
    together = Barrier(4)

    def request(month: int, n: int) -> int:
        occurred_at = (at - timedelta(days=2_000 + 31 * month)).isoformat()
        message = {
            "type": "track", "userId": f"u{n}", "event": "e", "messageId": f"{month}-{n}", "timestamp": occurred_at,
        }  # fmt: skip
        try:
            together.wait(30)
            return take_messages(
                body=json.dumps({"batch": [message]}), kind="batch", key_hash=key.key_hash, at=at
            ).accepted
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for month in range(8):
            assert list(pool.map(partial(request, month), range(4))) == [1, 1, 1, 1]
