"""Entering and leaving as facts for others, and two refreshes at once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections, transaction

from members.people.models import Member
from members.segments.models import SegmentMembership
from members.segments.operations.refreshing import refresh_segment
from members.segments.operations.saving import save_segment
from members.segments.querysets import horizon, read_changes
from members.segments.schema import read_rule
from tests import factories
from tests.horizon import wait_for_horizon

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def segment():
    rule = read_rule({"version": 1, "root": {"kind": "all", "items": [{"kind": "profile.city", "values": ["x"]}]}})
    return save_segment(rule=rule, name="A", actor=None, at=AT)


def read_settled(segment, after):
    wait_for_horizon()
    return read_changes(segment_ids=[segment.pk], after=after)


def at_once(*calls):
    """Run the calls in threads that start together; raises what any of them raised."""
    barrier, errors = threading.Barrier(len(calls)), []

    def run(call):
        try:
            barrier.wait()
            call()
        except Exception as error:  # The test fails with it below.
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_each_change_is_read_once(segment):
    first, second = (factories.make_member(at=AT, city="x").pk for _ in range(2))
    start = horizon()
    refresh_segment(segment_id=segment.pk, at=AT)
    changes, cursor = read_settled(segment, start)
    assert [(c.kind, c.member_id, c.at) for c in changes] == [("entered", first, AT), ("entered", second, AT)]
    Member.objects.filter(pk=first).update(city="y")
    refresh_segment(segment_id=segment.pk, at=AT + MINUTE)
    changes, cursor = read_settled(segment, cursor)
    assert [(c.kind, c.member_id, c.at) for c in changes] == [("left", first, AT + MINUTE)]
    assert read_changes(segment_ids=[segment.pk], after=cursor)[0] == []
    assert read_changes(segment_ids=[segment.pk + 1], after=0)[0] == []


def test_a_change_committed_late_is_not_passed_over(segment):
    """A transaction that began earlier and commits later than another must still be read."""
    factories.make_member(at=AT, city="x")
    start = horizon()
    began, may_end = threading.Event(), threading.Event()

    def slowly():
        with transaction.atomic():
            refresh_segment(segment_id=segment.pk, at=AT)
            began.set()
            may_end.wait(20)

    def meanwhile():
        began.wait(20)
        try:
            factories.make_member(at=AT)
            changes, cursor = read_changes(segment_ids=[segment.pk], after=start)
            seen.extend(changes)
            cursors.append(cursor)
        finally:
            may_end.set()

    seen, cursors = [], []
    at_once(slowly, meanwhile)
    assert seen == []
    assert len(read_settled(segment, cursors[0])[0]) == 1


def test_two_refreshes_at_once_enter_each_member_once(segment):
    for _ in range(30):
        factories.make_member(at=AT, city="x")
    moved = []
    at_once(*(lambda n=n: moved.append(refresh_segment(segment_id=segment.pk, at=AT + n * MINUTE)) for n in range(4)))
    assert SegmentMembership.objects.filter(segment=segment).count() == 30
    assert sum(diff.entered for diff in moved if diff) == 30
