"""A member's row remembers her latest active day; whatever happens to the days, each event leaves what it should."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import F

from members.events.models import ActiveDay, Source
from members.events.operations.recording import record_events
from members.lifecycle.models import MemberLifecycle
from tests import factories
from tests.members.remembering import assert_remembered_days_are_there

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
ZONES = ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"]


@pytest.fixture
def source() -> Source:
    return factories.SourceFactory()


def _active(source: Source, member: int, *instants: datetime) -> None:
    rows = [{"member_id": member, "name": "opened", "occurred_at": at, "message_id": uuid4().hex} for at in instants]
    record_events(rows=rows, source=source, at=AT)


def _days(member: int) -> dict[date, datetime]:
    return dict(ActiveDay.objects.filter(member_id=member).values_list("local_on", "first_at"))


def _remembered() -> tuple[date, datetime]:
    return MemberLifecycle.objects.values_list("active_on", "active_since").get()


def test_a_later_event_of_the_day_needs_no_look_at_it(source, member):
    _active(source, member.pk, AT)
    assert _remembered() == (AT.date(), AT)
    with connection.cursor() as cursor:
        # What nothing in the product does: a day goes and nobody is told.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM members_activeday")
        cursor.execute("SET LOCAL session_replication_role = origin")
    _active(source, member.pk, AT + timedelta(minutes=1))
    assert _days(member.pk) == {}
    _active(source, member.pk, AT - timedelta(minutes=1))
    assert _days(member.pk) == {AT.date(): AT - timedelta(minutes=1)}
    assert _remembered() == (AT.date(), AT - timedelta(minutes=1))


def test_the_latest_of_several_days_is_remembered(source, member):
    _active(source, member.pk, AT, AT - timedelta(days=1), AT + timedelta(hours=2))
    assert _remembered() == (AT.date(), AT)
    _active(source, member.pk, AT - timedelta(days=2), AT - timedelta(hours=1))
    assert _remembered() == (AT.date(), AT - timedelta(hours=1))
    assert len(_days(member.pk)) == 3


@pytest.mark.parametrize("seed", range(40))
def test_days_are_right_whatever_happens_to_them(source, seed):
    random, expected, zone = Random(seed), {}, ZONES[0]
    member = factories.make_member(at=AT - timedelta(days=30))
    other = factories.make_member(at=AT - timedelta(days=30))
    MemberLifecycle.objects.filter(pk=member.pk).update(time_zone=zone)
    mine = ActiveDay.objects.filter(member=member)
    for _ in range(25):
        match random.choice(["event", "event", "event", "batch", "zone", "gone", "later", "moved"]):
            case "event" | "batch" as what:
                instants = [AT + timedelta(minutes=random.randint(-4_000, 0)) for _ in range(1 + 4 * (what == "batch"))]
                _active(source, member.pk, *instants)
                for at in instants:
                    day = at.astimezone(ZoneInfo(zone)).date()
                    expected[day] = min(expected.get(day, at), at)
            case "zone":
                zone = random.choice(ZONES)
                MemberLifecycle.objects.filter(pk=member.pk).update(time_zone=zone)
            case "gone" if expected:
                mine.filter(local_on=max(expected)).delete()
                del expected[max(expected)]
            case "later" if expected:
                mine.filter(local_on=max(expected)).update(first_at=F("first_at") + timedelta(hours=1))
                expected[max(expected)] += timedelta(hours=1)
            case "moved" if expected:
                ActiveDay.objects.filter(member=other).delete()
                mine.filter(local_on=max(expected)).update(member=other)
                del expected[max(expected)]
        assert _days(member.pk) == expected
        assert_remembered_days_are_there()
