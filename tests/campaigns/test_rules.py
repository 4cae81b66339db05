from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.db import connection
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from campaigns.models import Enrollment, MessageIntent
from campaigns.operations.planning import plan
from campaigns.rules import blames_address, enhanced_status, is_temporary, message_id, retry_delay
from members.lifecycle.models import MemberLifecycle
from members.people.rules import at_local, last_day
from members.terms.models import MembershipTerm
from tests.campaigns.world import AT, member_ending

# Names PostgreSQL's own table may lack, or that are no places.
ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc", "posix", "right")))


def test_pauses_grow_to_half_an_hour_and_no_further():
    pauses = [retry_delay(n) for n in range(1, 40)]
    assert pauses == sorted(pauses)
    assert pauses[:3] == [timedelta(seconds=s) for s in (30, 60, 120)]
    assert pauses[-1] == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("code", "enhanced", "blamed"),
    [(550, "5.1.1", True), (550, "", True), (550, "5.7.1", False), (553, "5.1.3", True), (552, "5.2.2", False),
     (554, "5.7.1", False), (551, "5.1.6", True)],
)  # fmt: skip
def test_who_is_to_blame(code, enhanced, blamed):
    assert blames_address(code, enhanced) == blamed
    assert not is_temporary(code)


@pytest.mark.parametrize(("reply", "code"), [("5.1.1 no", "5.1.1"), ("no such user", ""), ("5.1 x", ""), ("", "")])
def test_enhanced_status(reply, code):
    assert enhanced_status(reply) == code


def test_a_message_id_is_the_same_however_often_and_another_elsewhere():
    assert message_id(7, "ab", "example.com") == message_id(7, "ab", "example.com") == "<i7.ab@example.com>"
    assert message_id(7, "ac", "example.com") != message_id(7, "ab", "example.com")


def same_offset(instant: datetime, zone: str) -> bool:
    """Whether the database's table of zones and Python's, of different years, agree on the local time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz AT TIME ZONE %s", [instant, zone])
        return cursor.fetchone()[0] == instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@pytest.mark.django_db
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(ZONES),
    ends_at=st.datetimes(datetime(2026, 12, 1), datetime(2031, 12, 1), timezones=st.just(UTC)),
)
def test_every_step_is_due_at_ten_by_the_members_clock(cadence_row, zone, ends_at):
    """The planning statement's dates against plain Python, over zones, their changes of clock, and years."""
    ends_at = ends_at.replace(microsecond=0)
    assume(all(same_offset(ends_at - timedelta(days=n), zone) for n in range(9)))
    MembershipTerm.objects.filter(pk=cadence_row.pk).update(ends_at=ends_at)
    MemberLifecycle.objects.filter(pk=cadence_row.member_id).update(expiration_time=ends_at, time_zone=zone)
    Enrollment.objects.all().delete()
    MessageIntent.objects.all().delete()
    assert plan(at=ends_at - timedelta(days=8, hours=20)).enrolled == 1
    due = dict(MessageIntent.objects.filter(channel="email").values_list("step_key", "due_at"))
    last_on = last_day(ends_at, zone)
    expected = {f"d{n}.email": at_local(last_on - timedelta(days=n), time(10), zone) for n in (7, 3, 1, 0)}
    assert due == expected
    for instant in due.values():
        assert instant.astimezone(ZoneInfo(zone)).time() == time(10)


@pytest.fixture
def cadence_row(db) -> MembershipTerm:
    return member_ending(AT + timedelta(days=8))
