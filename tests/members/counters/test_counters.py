"""A rolling counter says what counting the events would say, whatever happened in whatever order."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import Count
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from members.counters.models import EventCounter, EventTally
from members.counters.operations import bring_up, forget_unwanted
from members.counters.wanted import CounterKey, wanted_counters
from members.events.models import Event, EventDefinition
from members.events.operations.recording import record_events
from members.events.querysets.events import ensure_partitions
from members.segments.operations.refreshing import refresh_all
from members.segments.operations.saving import archive_segment, save_segment
from members.segments.schema import read_rule
from members.tags.models import Tag
from tests import factories

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = CounterKey("opened", 24 * 3600)
WEEK = CounterKey("opened", 7 * 24 * 3600)
OTHER = CounterKey("exported", 24 * 3600)
KEYS = (DAY, WEEK, OTHER)


def tallies(key: CounterKey) -> dict[int, int]:
    rows = EventTally.objects.filter(counter__definition__name=key.event, counter__window_seconds=key.window_seconds)
    return dict(rows.values_list("member_id", "events"))


def counted(key: CounterKey, at: datetime) -> dict[int, int]:
    window = timedelta(seconds=key.window_seconds)
    rows = Event.objects.filter(definition__name=key.event, occurred_at__gte=at - window, occurred_at__lte=at)
    return dict(rows.order_by().values_list("member_id").annotate(n=Count("*")))


def check(at: datetime) -> None:
    assert set(bring_up(keys=KEYS, at=at)) == set(KEYS)
    for key in KEYS:
        assert tallies(key) == counted(key, at), key


@pytest.fixture
def world(db):
    ensure_partitions((AT - timedelta(days=60)).date(), (AT + timedelta(days=60)).date())
    for name in ("opened", "exported"):
        EventDefinition.objects.create(name=name)
    return factories.SourceFactory(), [factories.make_member(at=AT).pk for _ in range(3)]


def row(n: int, member_id: int, occurred_at: datetime, name: str = "opened") -> dict:
    return {"member_id": member_id, "name": name, "occurred_at": occurred_at, "message_id": f"m{n}"}


# At the edges of the windows, and a hair beside them; also ahead of time.
OFFSETS = st.builds(
    lambda hours, hair: timedelta(hours=hours, microseconds=hair),
    st.sampled_from([-170, -168, -167, -30, -25, -24, -23, -12, -1, 0, 1, 2, 12, 24, 30]),
    st.sampled_from([-1, 0, 0, 1]),
)
TELL = st.tuples(
    st.just("tell"), st.integers(0, 12), st.integers(0, 2), OFFSETS, st.sampled_from(["opened", "opened", "exported"])
)
LOOK = st.tuples(st.just("look"), st.sampled_from([0, 0.5, 1, 3, 12, 24, 80, 400]))
TAKE_BACK = st.tuples(st.just("take back"), st.integers(0, 2))


@examples(
    max_examples=120, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(steps=st.lists(st.one_of(TELL, TELL, TELL, LOOK, LOOK, TAKE_BACK), min_size=4, max_size=30))
def test_it_says_what_counting_says(world, steps):
    source, members = world
    at = AT
    with transaction.atomic():
        for step in steps:
            match step:
                case "tell", n, member, offset, name:
                    record_events(rows=[row(n, members[member], at + offset, name)], source=source, at=at)
                case "look", hours:
                    at += hours * HOUR
                    check(at)
                case "take back", member:
                    Event.objects.filter(member_id=members[member]).delete()
        check(at)
        transaction.set_rollback(True)


def test_an_earlier_instant_is_not_its_business(world):
    source, members = world
    record_events(rows=[row(1, members[0], AT - HOUR)], source=source, at=AT)
    check(AT)
    assert bring_up(keys=[DAY], at=AT - timedelta(seconds=1)) == {}
    assert bring_up(keys=[CounterKey("unheard", 60)], at=AT) == {}
    assert tallies(DAY) == {members[0]: 1}


@contextmanager
def another_program() -> Iterator[psycopg.Connection]:
    given = connection.settings_dict
    opened = psycopg.connect(
        host=given["HOST"], port=given["PORT"], user=given["USER"], password=given["PASSWORD"], dbname=given["NAME"]
    )
    try:
        yield opened
    finally:
        opened.close()


@pytest.mark.django_db(transaction=True)
def test_events_count_when_they_commit_not_when_they_were_written():
    """A transaction that began before others and ends after them: no cursor by id or time would see its events."""
    ensure_partitions((AT - timedelta(days=60)).date(), (AT + timedelta(days=60)).date())
    opened = EventDefinition.objects.create(name="opened")
    EventDefinition.objects.create(name="exported")
    source, member = factories.SourceFactory(), factories.make_member(at=AT).pk
    insert = (
        "INSERT INTO members_event (occurred_at, received_at, member_id, definition_id, source_id, message_id) "
        "VALUES (%s, %s, %s, %s, %s, %s)"
    )
    with another_program() as slow:
        slow.execute(insert, [AT - 2 * HOUR, AT, member, opened.pk, source.pk, "slow"])
        check(AT)
        record_events(rows=[row(1, member, AT - HOUR)], source=source, at=AT)
        check(AT + HOUR)
        assert tallies(DAY) == {member: 1}
        slow.commit()
        check(AT + 2 * HOUR)
        assert tallies(DAY) == {member: 2}
    check(AT + 23 * HOUR)
    assert tallies(DAY) == {member: 1}
    check(AT + 24 * HOUR)
    assert tallies(DAY) == {}


@pytest.mark.django_db(transaction=True)
def test_events_of_the_transaction_that_counted_are_counted_once():
    ensure_partitions((AT - timedelta(days=60)).date(), (AT + timedelta(days=60)).date())
    for name in ("opened", "exported"):
        EventDefinition.objects.create(name=name)
    source, member = factories.SourceFactory(), factories.make_member(at=AT).pk
    with transaction.atomic():
        record_events(rows=[row(1, member, AT - HOUR)], source=source, at=AT)
        check(AT)
        record_events(rows=[row(2, member, AT - HOUR)], source=source, at=AT)
    check(AT + HOUR)
    assert tallies(DAY) == {member: 2}


def rule(amount: int, unit: str = "days", event: str = "opened", **more) -> dict:
    window = {"op": "within_last", "amount": amount, "unit": unit}
    return {"kind": "event.count", "event": event, "test": {"op": "gte", "value": 2}, "window": window, **more}


def save(name: str, *items: dict, at: datetime = AT):
    tree = read_rule({"version": 1, "root": {"kind": "all", "items": list(items)}})
    return save_segment(rule=tree, actor=None, at=at, name=name)


def test_counters_are_kept_for_what_segments_and_tags_read(world):
    # The tags that come with the product read counters of their own.
    assert {key.event for key in wanted_counters()} > {"plan_viewed"}
    Tag.objects.update(is_enabled=False)
    where = [{"name": "size", "test": {"type": "number", "op": "gte", "value": 3}}]
    segment = save("Often", rule(1), rule(24, "hours"), rule(7, where=where))
    save(
        "Never",
        {"kind": "event.never", "event": "opened", "window": {"op": "within_last", "amount": 7, "unit": "days"}},
    )
    save("Ever", {**rule(1), "window": {"op": "ever"}})
    assert wanted_counters() == {DAY, WEEK}
    refresh_all(at=AT)
    assert set(EventCounter.objects.values_list("definition__name", "window_seconds")) == {
        (key.event, key.window_seconds) for key in (DAY, WEEK)
    }
    archive_segment(segment_id=segment.pk, actor=None, at=AT)
    forget_unwanted()
    assert list(EventCounter.objects.values_list("window_seconds", flat=True)) == [WEEK.window_seconds]


def test_a_refresh_reads_the_counter_and_not_the_events(world):
    source, members = world
    segment = save("Often", rule(1))
    record_events(rows=[row(n, members[0], AT - HOUR) for n in range(2)], source=source, at=AT)
    refresh_all(at=AT + HOUR)
    segment.refresh_from_db()
    assert segment.size == 1
    # Whoever looks only at the events is blind to this.
    EventTally.objects.update(events=0)
    refresh_all(at=AT + 2 * HOUR)
    segment.refresh_from_db()
    assert segment.size == 0
    # Events taken back: the counter is built anew.
    Event.objects.filter(message_id="nobody").delete()
    refresh_all(at=AT + 3 * HOUR)
    segment.refresh_from_db()
    assert segment.size == 1
