"""Programs send at the same time: exact totals, one member for one person."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connection

from members.ingest.operations.keys import make_key
from members.ingest.operations.taking import take_messages
from members.models import ActiveDay, Event, IngestDay, Member
from tests import factories

USERS, REQUESTS = 20, 12


@pytest.mark.django_db(transaction=True)
def test_the_same_people_in_many_requests_at_once():
    at = datetime.now(UTC)
    source = factories.SourceFactory(creates_members=True)
    admin = factories.UserFactory(role="admin")
    key, _ = make_key(source_id=source.pk, label="App", scopes=["events", "profiles"], actor=admin, at=at)

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
            return take_messages(body=json.dumps({"batch": batch}), kind="batch", key=key, at=at).accepted
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        accepted = list(pool.map(request, range(REQUESTS)))
    assert sum(accepted) == USERS * REQUESTS // 2 == Event.objects.count()
    assert Member.objects.count() == USERS == ActiveDay.objects.count()
    day = IngestDay.objects.get()
    assert (day.accepted, day.duplicate) == (USERS * REQUESTS // 2, USERS * REQUESTS // 2)
