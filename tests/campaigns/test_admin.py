from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.models import Channel, Suppression, Template, TemplateVersion
from campaigns.operations.planning import plan
from config.audit.models import AuditEntry
from tests.campaigns.world import AT, member_ending

pytestmark = pytest.mark.django_db

READABLE = [
    "campaign", "campaignversion", "enrollment", "messageintent", "decision", "deliverypolicy", "channel", "template",
    "templateversion", "suppression",
]  # fmt: skip


@pytest.mark.parametrize("name", READABLE)
def test_records_can_be_read(admin_client, name):
    member_ending(AT + timedelta(days=3))
    plan(at=AT)
    assert admin_client.get(reverse(f"admin:campaigns_{name}_changelist")).status_code == 200


def test_a_channel_is_switched_off_with_an_audit_row(admin_client, admin):
    values = {"default_consent": "on", "max_workers": 2, "timeout_seconds": 20, "lease_seconds": 120, "max_attempts": 6}
    admin_client.post(reverse("admin:campaigns_channel_change", args=["email"]), values)
    assert not Channel.objects.get(pk="email").is_enabled
    entry = AuditEntry.objects.get(action="channel.saved")
    assert (entry.actor, entry.data) == (admin, {"is_enabled": False})


def test_new_copy_is_a_new_version(admin_client):
    template = Template.objects.get(code="renewal-d7", channel="email")
    versions = TemplateVersion.objects.filter(template=template, language="en").values_list("number", "subject")
    before = list(versions)
    assert [number for number, _subject in before] == [2, 1]
    values = {"template": template.pk, "language": "en", "subject": "Soon", "body_text": "Hello", "body_html": ""}
    admin_client.post(reverse("admin:campaigns_templateversion_add"), values)
    assert list(versions.all()) == [(3, "Soon"), *before]
    assert AuditEntry.objects.get(action="template.published").data == {"language": "en", "number": 3}


def test_copy_that_is_no_liquid_is_refused(admin_client):
    template = Template.objects.get(code="renewal-d7", channel="email")
    values = {"template": template.pk, "language": "en", "subject": "{% if %}", "body_text": "x", "body_html": ""}
    response = admin_client.post(reverse("admin:campaigns_templateversion_add"), values)
    assert response.status_code == 200
    assert b"not valid Liquid" in response.content
    assert not AuditEntry.objects.filter(action="template.published").exists()


def test_an_address_is_allowed_again(admin_client):
    Suppression.objects.suppress(channel="email", address="a@example.com", cause="refused", at=AT)
    row = Suppression.objects.get()
    admin_client.post(
        reverse("admin:campaigns_suppression_changelist"), {"action": "allow_again", "_selected_action": [row.pk]}
    )
    assert not Suppression.objects.standing().exists()
    assert AuditEntry.objects.filter(action="suppression.lifted").count() == 1
