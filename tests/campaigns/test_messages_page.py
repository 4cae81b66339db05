from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from campaigns.models import DeliveryPolicy, MessageIntent
from campaigns.operations.delivery import show_in_app
from campaigns.operations.email import deliver_email
from campaigns.operations.planning import cancel, plan
from config.audit.models import AuditEntry
from config.engine import clock
from members.people.models import Consent
from members.terms.operations import terms
from tests.campaigns.world import AT, member_ending, messages
from tests.faults.sink import Script

pytestmark = pytest.mark.django_db
LIST = "/console/messages/"
DUE = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_noon(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: AT)


def planned(**values):
    term = member_ending(AT + timedelta(days=3), **values)
    plan(at=DUE - timedelta(hours=1))
    return term


def page(client, **params) -> str:
    response = client.get(LIST, params)
    assert response.status_code == 200
    return response.content.decode()


def test_every_message_with_status_and_reason(viewer_client):
    planned(display_name="Zhou Lan")
    html = page(viewer_client)
    assert "Zhou L." in html
    assert "Zhou Lan" not in html
    assert "Its time had passed when it was planned" in html
    assert "7 days before" in html
    assert html.count("Pending") >= 6


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 8),
        ({"status": "pending"}, 6),
        ({"status": "expired"}, 2),
        ({"channel": "email"}, 4),
        ({"step": "d3"}, 2),
        ({"reason": "past_when_planned", "channel": "email"}, 1),
        ({"due_from": "2026-11-18", "due_to": "2026-11-18"}, 2),
        ({"status": "nonsense"}, 0),
        ({"campaign": "999999"}, 0),
    ],
)
def test_filters(viewer_client, params, count):
    planned(display_name="Zhou Lan")
    assert page(viewer_client, **params).count("Open message ") == count


@pytest.mark.parametrize(("text", "count"), [("Zhou", 8), ("Nobody", 0)])
def test_search(viewer_client, text, count):
    planned(display_name="Zhou Lan")
    response = viewer_client.post(reverse("console:find", args=["messages"]), {"q": text}, follow=True)
    assert response.content.decode().count("Open message ") == count
    assert text not in response.request["QUERY_STRING"]


def test_one_member_only(viewer_client):
    planned()
    other = planned()
    html = page(viewer_client, member=other.member_id)
    assert html.count("Open message ") == 8


def test_keyset_pages_show_every_message_once_and_back_again(viewer_client):
    for _ in range(8):
        member_ending(AT + timedelta(days=3))
    plan(at=DUE)
    import re

    def ids(html):
        return re.findall(r"Open message (\d+)", html)

    first = page(viewer_client)
    link = re.search(r'href="([^"]*after=[^"]*)"', first).group(1).replace("&amp;", "&")
    second = viewer_client.get(link).content.decode()
    assert len(ids(first)) == 50
    assert len(ids(second)) == 14
    assert len(set(ids(first)) | set(ids(second))) == 64
    back = re.search(r'href="([^"]*before=[^"]*)"', second).group(1).replace("&amp;", "&")
    assert ids(viewer_client.get(back).content.decode()) == ids(first)


def test_an_htmx_request_gets_the_listing_alone(viewer_client):
    planned()
    response = viewer_client.get(LIST, headers={"hx-request": "true"})
    assert b"<html" not in response.content
    assert "HX-Request" in response["Vary"]


def detail(client, intent, name="campaigns:message"):
    return client.get(reverse(name, args=[intent.pk]))


def test_a_pending_message_says_what_would_happen_now(viewer_client):
    term = planned(display_name="Zhou Lan", language="en")
    intent = MessageIntent.objects.get(step_key="d1.email")
    html = detail(viewer_client, intent).content.decode()
    assert "If it were due now it would go" in html
    assert "Your " in html
    Consent.objects.create(
        member_id=term.member_id, channel="email", is_granted=False, changed_at=AT, source="member center"
    )
    assert "No consent for this channel" in detail(viewer_client, intent).content.decode()
    assert messages(term)["d1.email"] == "pending"


def test_a_sent_mail_is_shown_exactly_as_it_went(viewer_client, sink):
    planned(display_name="Zhou Lan", language="en")
    deliver_email(clock=lambda: DUE)
    intent = MessageIntent.objects.get(step_key="d3.email")
    from email import message_from_bytes, policy

    [path] = sink.folder.glob("*.eml")
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["Subject"] in detail(viewer_client, intent).content.decode()
    response = detail(viewer_client, intent, "campaigns:message-html")
    assert response.content.decode() == mail.get_body(("html",)).get_content().replace("\r\n", "\n")
    assert "sandbox" in response["Content-Security-Policy"]
    assert "script-src" not in response["Content-Security-Policy"]


def test_a_cancelled_message_says_why(viewer_client):
    term = planned()
    terms.renew_membership(member_id=term.member_id, at=AT, actor=None)
    cancel(at=AT)
    html = detail(viewer_client, MessageIntent.objects.get(step_key="d1.email", occurrence=term.pk)).content.decode()
    assert "Suppressed: Renewed" in html


def test_the_stop_holds_and_the_resume_lets_go(operator_client, operator):
    planned()
    html = operator_client.get("/console/messages/stop/").content.decode()
    assert "Hold back 6 messages" in html
    assert operator_client.post("/console/messages/stop/", {"reason": ""}).status_code == 422
    assert not DeliveryPolicy.objects.get().is_sending_stopped
    assert operator_client.post("/console/messages/stop/", {"reason": "wrong copy"}).status_code == 302
    assert DeliveryPolicy.objects.get().is_sending_stopped
    assert "wrong copy" in page(operator_client)
    entry = AuditEntry.objects.get(action="sending.stopped")
    assert (entry.actor, entry.reason, entry.data) == (operator, "wrong copy", {"waiting": 6})
    assert show_in_app(at=DUE) == (0, 0)
    operator_client.post("/console/messages/resume/", {"reason": "copy mended"})
    assert show_in_app(at=DUE) == (1, 1)
    assert AuditEntry.objects.filter(action="sending.resumed").count() == 1


@pytest.mark.parametrize("address", ["stop", "resume"])
def test_a_viewer_may_not_stop(viewer_client, address):
    planned()
    assert viewer_client.post(f"/console/messages/{address}/", {"reason": "x"}).status_code == 403
    assert not AuditEntry.objects.filter(action__startswith="sending").exists()
    assert "Stop sending" not in page(viewer_client)


@pytest.mark.parametrize(("outcome", "status"), [("sent", "sent"), ("failed", "failed")])
def test_a_person_settles_an_unknown_delivery(operator_client, operator, sink, outcome, status):
    term = planned()
    sink.script = Script(at={"dot": "drop"})
    deliver_email(clock=lambda: DUE)
    intent = MessageIntent.objects.get(status="unknown")
    assert "Settle it" in detail(operator_client, intent).content.decode()
    address = reverse("campaigns:resolve", args=[intent.pk])
    assert operator_client.get(address).status_code == 200
    assert operator_client.post(address, {"outcome": outcome}).status_code == 422
    operator_client.post(address, {"outcome": outcome, "reason": "asked her"})
    assert messages(term)["d3.email"] == f"{status}:resolved"
    entry = AuditEntry.objects.get(action=f"message.resolve_{outcome}")
    assert (entry.actor, entry.member_id, entry.reason) == (operator, term.member_id, "asked her")
    operator_client.post(address, {"outcome": "failed", "reason": "again"})
    assert AuditEntry.objects.filter(action__startswith="message.").count() == 1


def test_a_message_stands_in_the_members_timeline(viewer_client):
    term = planned()
    show_in_app(at=DUE)
    html = viewer_client.get(reverse("members:detail", args=[term.member_id])).content.decode()
    assert "Renewal reminders · 3 days before · In-app message" in html
