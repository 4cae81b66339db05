"""An unmodified ``segment-analytics-python`` talks to this host."""

from datetime import UTC, datetime

import pytest
from segment.analytics.client import Client

from config.audit.models import AuditEntry
from members.events.models import Event
from members.events.operations.keys import make_key
from members.people.models import Member
from tests import factories

pytestmark = pytest.mark.usefixtures("any_date")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("gzip", [False, True])
def test_the_python_client_feeds_events(live_server, gzip, now):
    source = factories.SourceFactory(creates_members=True)
    admin = factories.UserFactory(role="admin")
    _, secret = make_key(source_id=source.pk, label="App", scopes=["events", "profiles"], actor=admin, at=now)
    failures: list[object] = []
    client = Client(
        secret, host=live_server.url, gzip=gzip, max_retries=0, on_error=lambda error, items: failures.append(error)
    )
    client.identify("u1", {"name": "Li Na", "joined": now}, anonymous_id="v1")
    for n in range(150):
        client.track("u1", "export_done", {"rows": n, "part": n / 7})
    client.page("u1", "docs", "Pricing", {"url": "https://example.com"})
    client.track("u1", "sampled", timestamp=datetime(2026, 1, 2, tzinfo=UTC))
    client.shutdown()
    assert failures == []
    member = Member.objects.get()
    assert member.display_name == "Li Na"
    assert list(member.identities.order_by("kind").values_list("kind", "value")) == [
        ("anonymous_id", "v1"), ("external_id", "u1"),
    ]  # fmt: skip
    names = Event.objects.values_list("definition__name", flat=True)
    assert {name: list(names).count(name) for name in set(names)} == {"export_done": 150, "page": 1, "sampled": 1}
    assert AuditEntry.objects.filter(action="member.created").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_python_client_hears_of_a_wrong_key(live_server):
    failures: list[object] = []
    client = Client(
        "wk_wrong", host=live_server.url, max_retries=0, on_error=lambda error, items: failures.append(error)
    )
    client.track("u1", "opened")
    client.shutdown()
    assert [(error.status, error.code) for error in failures] == [(401, "unauthorized")]
