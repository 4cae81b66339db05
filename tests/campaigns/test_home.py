"""What the first page counts of today's messages is what its links list."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from campaigns.lifecycle import ChannelCode, Reason, Status
from campaigns.models import Campaign, MessageIntent
from config.engine import clock
from tests import factories
from tests.campaigns.world import AT

pytestmark = pytest.mark.django_db

ZONES = ("Asia/Shanghai", "America/New_York", "Pacific/Kiritimati")


def due(instants: list[datetime]) -> None:
    """A message in every status for each instant it is due at."""
    campaign = Campaign.objects.select_related("current_version").first()
    member = factories.make_member(at=AT - timedelta(days=60))
    rows = [
        MessageIntent(
            member=member, campaign=campaign, version=campaign.current_version, occurrence=n, step_key=status.value,
            channel=ChannelCode.EMAIL, status=status.value, reason=Reason.NO_ANSWER, due_at=due_at,
            expires_at=due_at + timedelta(days=3), planned_at=AT - timedelta(days=3), claimed_by="worker",
            lease_until=AT, on_wire_at=AT,
        )
        for n, due_at in enumerate(instants)
        for status in Status
    ]  # fmt: skip
    with connection.cursor() as cursor:
        # A message begins as pending; these are in the middle of their lives.
        cursor.execute("SET LOCAL session_replication_role = replica")
        MessageIntent.objects.bulk_create(rows)
        cursor.execute("SET LOCAL session_replication_role = origin")


def around_midnights(zone: str, day: datetime) -> list[datetime]:
    """Just before and at the first instant of the zone's day and of the day after."""
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    nights = [start, start + timedelta(days=1)]
    return [at + off for at in nights for off in (-timedelta(microseconds=1), timedelta(0))]


@pytest.mark.parametrize("zone", ZONES)
def test_each_status_opens_what_it_counts(viewer, viewer_client, monkeypatch, zone):
    monkeypatch.setattr(clock, "now", lambda: AT)
    viewer.time_zone = zone
    viewer.save(update_fields=["time_zone"])
    cache.clear()
    today = AT.astimezone(ZoneInfo(zone))
    project_day = AT.astimezone(ZoneInfo(settings.PROJECT_TIME_ZONE))
    nights = {*around_midnights(zone, today), *around_midnights(settings.PROJECT_TIME_ZONE, project_day)}
    due([*nights, AT, AT + timedelta(days=40)])
    expected = sum(at.astimezone(ZoneInfo(zone)).date() == today.date() for at in nights) + 1
    lines = viewer_client.get(reverse("console:home")).context["messages_today"]
    assert [line.status for line in lines] == [status.value for status in Status]
    for line in lines:
        listing = viewer_client.get(line.href).context["listing"]
        assert line.count == expected
        assert (listing.count, len(listing.rows)) == (expected, expected), line.href


def test_a_day_without_messages_has_no_card(viewer_client):
    response = viewer_client.get(reverse("console:home"))
    assert response.context["messages_today"] is None
    assert "Messages today" not in response.content.decode()
