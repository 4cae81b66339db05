import re
from datetime import timedelta

import pytest
from django.urls import reverse

from config.audit.models import AuditEntry
from config.engine.clock import now
from members.events.models import ActiveDay, EventDefinition, Source, WriteKey
from members.events.operations.catalogue import RECOUNT_DAYS, recount_activity
from members.events.operations.keys import make_key
from members.events.operations.taking import take_messages
from members.events.querysets.keys import key_opened_by
from members.lifecycle.models import MemberLifecycle
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("any_date")]

SOURCE = {"code": "site", "name": "Site", "is_activity_source": "on", "stale_after_hours": 6}


def test_the_catalogue_shows_what_came(viewer_client, member):
    factories.make_event(member=member, at=now(), name="export_done")
    page = viewer_client.get(reverse("ingest:events"), {"q": "export"}).content.decode()
    assert "export_done" in page
    assert "export_done" not in viewer_client.get(reverse("ingest:events"), {"q": "other"}).content.decode()
    event = EventDefinition.objects.get(name="export_done")
    assert viewer_client.get(reverse("ingest:event", args=[event.pk])).status_code == 200
    assert viewer_client.get(reverse("ingest:event", args=[0])).status_code == 404


def test_an_event_gets_its_labels(operator_client, viewer_client, member):
    factories.make_event(member=member, at=now(), name="paid")
    event = EventDefinition.objects.get(name="paid")
    address = reverse("ingest:event-edit", args=[event.pk])
    meaning = {"label": "Paid", "label_zh": "付款", "is_activity": "on", "carries_money": "on"}
    assert viewer_client.post(address, meaning).status_code == 403
    assert operator_client.post(address, meaning | {"label": "x" * 121}).status_code == 422
    event.refresh_from_db()
    assert event.label == ""
    assert operator_client.post(address, meaning).status_code == 302
    event.refresh_from_db()
    assert (event.label_zh, event.carries_money, event.is_activity, event.recount_due_at) == ("付款", True, True, None)
    assert AuditEntry.objects.get(action="event.saved").data["fields"] == ["carries_money", "label", "label_zh"]


def test_activity_is_counted_anew_when_its_meaning_changes(operator_client, member):
    # Last activity is known to the minute.
    at = now().replace(second=0, microsecond=0)
    for days in (1, 2, RECOUNT_DAYS + 5):
        factories.make_event(member=member, at=at - timedelta(days=days), name="pushed")
    factories.make_event(member=member, at=at - timedelta(days=2, minutes=1), name="opened")
    before = sorted(ActiveDay.objects.values_list("local_on", "first_at"))
    assert len(before) >= 3
    event = EventDefinition.objects.get(name="pushed")
    address = reverse("ingest:event-edit", args=[event.pk])
    MemberLifecycle.objects.update(next_due_at=None)
    operator_client.post(address, {"label": "", "label_zh": ""})
    assert EventDefinition.objects.get(name="pushed").recount_due_at is not None
    assert recount_activity(at=at) == 1
    assert recount_activity(at=at) == 0
    left = sorted(ActiveDay.objects.values_list("first_at", flat=True))
    assert left == [at - timedelta(days=RECOUNT_DAYS + 5), at - timedelta(days=2, minutes=1)]
    row = MemberLifecycle.objects.get()
    assert (row.last_active_time, row.next_due_at) == (at - timedelta(days=2, minutes=1), at)
    operator_client.post(address, {"label": "", "label_zh": "", "is_activity": "on"})
    assert recount_activity(at=at) == 1
    assert sorted(ActiveDay.objects.values_list("local_on", "first_at")) == before
    assert MemberLifecycle.objects.get().last_active_time == at - timedelta(days=1)


def test_a_source_is_added_and_changed(admin_client, approver_client):
    assert approver_client.post(reverse("ingest:source-new"), SOURCE).status_code == 403
    assert not Source.objects.exists()
    assert admin_client.post(reverse("ingest:source-new"), SOURCE).status_code == 302
    source = Source.objects.get(code="site")
    assert admin_client.post(reverse("ingest:source-new"), SOURCE).status_code == 422
    address = reverse("ingest:source-edit", args=[source.pk])
    assert admin_client.post(address, SOURCE | {"creates_members": "on"}).status_code == 302
    assert AuditEntry.objects.filter(action="source.saved").latest("pk").data["fields"] == ["creates_members"]


def test_a_silent_source_is_seen(viewer_client):
    Source.objects.create(code="app", name="App", stale_after_hours=1, last_event_at=now() - timedelta(hours=2))
    assert "Silent for too long" in viewer_client.get(reverse("ingest:sources")).content.decode()


def test_a_new_rhythm_looks_at_members_anew(admin_client, member):
    factories.make_term(member=member, at=now() - timedelta(days=1))
    source = Source.objects.create(code="site", name="Site", connected_at=now())
    MemberLifecycle.objects.update(next_due_at=None)
    admin_client.post(reverse("ingest:source-edit", args=[source.pk]), SOURCE)
    assert MemberLifecycle.objects.get().next_due_at is not None


def test_a_key_is_shown_once(admin_client, approver_client):
    source = factories.SourceFactory()
    address = reverse("ingest:key-new", args=[source.pk])
    wanted = {"label": "App", "scopes": ["events"]}
    assert approver_client.post(address, wanted).status_code == 403
    assert admin_client.post(address, {"label": "App", "scopes": ["everything"]}).status_code == 422
    assert not WriteKey.objects.exists()
    made = admin_client.post(address, wanted)
    secret = re.search(r"wk_[\w-]{43}", made.content.decode())
    assert secret
    assert "no-store" in made["Cache-Control"]
    opened = key_opened_by(secret.group(), now())
    assert opened is not None
    assert opened.scopes == ["events"]
    assert secret.group() not in admin_client.get(reverse("ingest:source", args=[source.pk])).content.decode()


def test_a_key_is_exchanged_and_ended(admin_client, approver_client, admin):
    source = factories.SourceFactory()
    key, _ = make_key(source_id=source.pk, label="App", scopes=["events"], actor=admin, at=now())
    rotate, revoke = (reverse(f"ingest:key-{what}", args=[key.pk]) for what in ("rotate", "revoke"))
    for address in (rotate, revoke):
        assert approver_client.post(address).status_code == 403
    assert "wk_" in admin_client.post(rotate).content.decode()
    assert admin_client.post(rotate).status_code == 302
    assert WriteKey.objects.count() == 2
    assert admin_client.post(revoke).status_code == 302
    assert WriteKey.objects.valid(now()).count() == 1


def test_volume_and_errors_are_counted(viewer_client, admin):
    source = factories.SourceFactory(creates_members=True)
    key, _ = make_key(source_id=source.pk, label="App", scopes=["events"], actor=admin, at=now())
    take_messages(
        body='{"batch":[{"type":"track","userId":"a","event":"e"},5,5]}', kind="batch", key_hash=key.key_hash, at=now()
    )
    row = Source.objects.with_volume(now().date() - timedelta(days=3)).get()
    assert (row.accepted, row.rejected) == (1, 2)
    assert viewer_client.get(reverse("ingest:source", args=[source.pk])).status_code == 200
