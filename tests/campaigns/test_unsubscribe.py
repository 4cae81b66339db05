from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from campaigns.models import MessageIntent, Suppression
from campaigns.operations.copy import intent_of_token, unsubscribe_token, unsubscribe_url
from campaigns.operations.email import deliver_email
from campaigns.operations.planning import plan
from config.audit.models import AuditEntry
from members.people.models import Consent
from tests.campaigns.world import AT, member_ending, messages

pytestmark = pytest.mark.django_db
DUE = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)


@pytest.fixture
def intent() -> MessageIntent:
    member_ending(AT + timedelta(days=3), display_name="Zhou Lan")
    plan(at=DUE - timedelta(hours=1))
    return MessageIntent.objects.get(step_key="d3.email")


@pytest.fixture
def strict_client() -> Client:
    """A mail program: no session, no cookie, and the CSRF check switched on."""
    return Client(enforce_csrf_checks=True, headers={"accept-language": "en"})


def path(intent) -> str:
    return "/" + unsubscribe_url(intent.pk).split("/", 3)[3]


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_never_acts(strict_client, intent, method):
    response = getattr(strict_client, method)(path(intent))
    assert response.status_code == 200
    assert not Consent.objects.exists()
    assert not Suppression.objects.exists()


def test_one_click_acts_and_again_changes_nothing(strict_client, intent):
    for _ in range(2):
        response = strict_client.post(path(intent), {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 200
        assert b"You are unsubscribed" in response.content
    consent = Consent.objects.get()
    assert (consent.member_id, consent.channel, consent.is_granted) == (intent.member_id, "email", False)
    assert Suppression.objects.standing().get().cause == "unsubscribed"
    assert AuditEntry.objects.filter(action="consent.withdrawn").count() == 1


def test_nothing_more_is_sent_by_email_but_the_app_goes_on(strict_client, intent, sink):
    strict_client.post(path(intent))
    deliver_email(clock=lambda: DUE)
    term = intent.member.terms.get()
    assert messages(term)["d3.email"] == "suppressed:no_consent"
    assert messages(term)["d3.in_app"] == "pending"
    assert not sink.message_ids()


def test_a_consent_given_before_is_withdrawn(strict_client, intent):
    Consent.objects.create(member_id=intent.member_id, channel="email", is_granted=True, changed_at=AT, source="form")
    strict_client.post(path(intent))
    assert not Consent.objects.get().is_granted


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: "1" + t, lambda t: "x"]
)
def test_a_forged_token_leads_nowhere(strict_client, intent, change):
    forged = change(unsubscribe_token(intent.pk))
    assert intent_of_token(forged) is None
    assert strict_client.post(f"/unsubscribe/{forged}/").status_code == 404
    assert not Consent.objects.exists()


def test_the_address_tells_nothing_about_the_member(intent):
    url = unsubscribe_url(intent.pk)
    assert "@" not in url
    assert "Zhou" not in url


def test_a_deleted_members_link_leads_nowhere(strict_client, intent):
    where = path(intent)
    intent.member.delete()
    assert strict_client.get(where).status_code == 404
