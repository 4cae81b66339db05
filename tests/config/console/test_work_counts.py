"""What a thing to do counts is what its link lists."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from config.engine import clock
from members.lifecycle.models import LifecyclePolicy, MemberLifecycle
from members.lifecycle.operations import sweep
from tests import factories
from tests.campaigns.test_home import due
from tests.campaigns.world import AT

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewed(viewer, viewer_client, monkeypatch):
    """The item under an icon and the list its count opens, seen from a zone at noon of the project's day."""
    monkeypatch.setattr(clock, "now", lambda: AT)

    def look(icon: str, zone: str = ""):
        viewer.time_zone = zone
        viewer.save(update_fields=["time_zone"])
        cache.clear()
        work = viewer_client.get(reverse("console:home")).context["work"]
        (item,) = [item for item in work if item.icon == icon]
        return item, viewer_client.get(item.count_href).context["listing"]

    return look


# Today is the reader's date: it is still the 15th in New York, a day before the members' date. What ends at a midnight
# has the day before as its last.
@pytest.mark.parametrize(("zone", "expected"), [("", 8), ("America/New_York", 6), ("Pacific/Kiritimati", 8)])
def test_terms_that_end_soon(viewed, zone, expected):
    here = ZoneInfo("Asia/Shanghai")
    for day in range(-1, 6):
        for at in (time(0), time(23, 59)):
            ends_at = datetime.combine(AT.date() + timedelta(days=day), at, tzinfo=here)
            if ends_at > AT:
                member = factories.make_member(at=AT - timedelta(days=60))
                MemberLifecycle.objects.filter(pk=member.pk).update(
                    expiration_time=ends_at, membership_status="active", auto_renewal_flag=False
                )
    item, listing = viewed("hourglass-low", zone)
    assert (item.count, len(listing.rows)) == (expected, expected)


def test_deliveries_of_which_nobody_knows(viewed):
    due([AT - timedelta(days=9), AT, AT + timedelta(days=2)])
    item, listing = viewed("message-2-x")
    assert (item.count, listing.count, len(listing.rows)) == (3, 3, 3)


def test_members_who_cannot_move(viewed):
    pks = [factories.make_member(at=AT).pk for _ in range(3)]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE members_memberlifecycle SET target_state = 'stable' WHERE member_id = ANY(%s)", [pks])
    item, listing = viewed("alert-triangle")
    assert (item.count, len(listing.rows)) == (3, 3)


def test_members_a_sweep_held(viewed):
    LifecyclePolicy.objects.update(brake_floor=0, brake_percent=0.1)
    for _ in range(3):
        member = factories.make_member(at=AT - timedelta(days=60))
        factories.make_term(member=member, at=AT - timedelta(days=28))
    MemberLifecycle.objects.update(next_due_at=AT)
    sweep.sweep(at=AT + timedelta(days=10))
    item, listing = viewed("hand-stop")
    assert (item.count, len(listing.rows)) == (3, 3)
