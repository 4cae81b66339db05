"""Events that use benefits up: each once, whatever happens in between."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from config.engine.stays import horizon
from entitlements.grants.models import Balance, FactCursor
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations import reporting
from entitlements.usage.operations.reporting import use_reported
from members.events.models import EventDefinition
from members.events.operations.recording import record_events
from members.terms.operations import terms
from tests import factories
from tests.entitlements.usage.conftest import AT, DAY, Ladder, make_benefit

pytestmark = pytest.mark.django_db(transaction=True)


def everything_so_far() -> int:
    """In place of the horizon, which the open transactions of all other tests on this server hold back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        return cursor.fetchone()[0]


@pytest.fixture(autouse=True)
def no_horizon(monkeypatch) -> None:
    monkeypatch.setattr(reporting, "horizon", everything_so_far)


class House:
    """A benefit of 10 that the event ``exported`` uses up, with the amount in ``pages``."""

    def __init__(self) -> None:
        self.at = AT
        self.ladder = Ladder()
        self.source = factories.SourceFactory()
        self.exported = EventDefinition.objects.create(name="exported")
        self.pages = make_benefit(
            "pages", (self.ladder.silver, {"amount": 10}), kind="quota", period="day", consumed_by=self.exported,
            amount_property="pages", worth_cents=5,
        )  # fmt: skip
        self.serial = 0
        use_reported(at=self.at)

    def member(self):
        return self.ladder.member(self.ladder.plan, at=self.at)

    def report(self, member, *amounts, at=None, name="exported") -> None:
        rows = []
        for amount in amounts:
            self.serial += 1
            rows.append({
                "member_id": member.pk, "name": name, "occurred_at": at or self.at, "message_id": f"m{self.serial}",
                "properties": {} if amount is None else {"pages": amount},
            })  # fmt: skip
        record_events(rows=rows, source=self.source, at=self.at)

    def balance(self, member) -> Balance:
        return Balance.objects.get(member=member, benefit=self.pages)

    def outcomes(self, member) -> list[tuple[int, str, int]]:
        found = UsageRecord.objects.filter(member=member).order_by("pk")
        return list(found.values_list("amount", "outcome", "used_after"))


@pytest.fixture
def house() -> House:
    return House()


def test_events_are_used_once(house):
    one, two = house.member(), house.member()
    house.report(one, 2, 3)
    house.report(two, 4)
    assert use_reported(at=house.at) == 3
    assert use_reported(at=house.at) == 0
    assert house.outcomes(one) == [(2, "used", 2), (3, "used", 5)]
    assert (house.balance(one).used, house.balance(one).uses, house.balance(two).used) == (5, 2, 4)
    record = UsageRecord.objects.get(member=two)
    assert (record.origin, record.worth_cents) == ("event", 20)
    assert record.idempotency_key == f"event:{house.pages.pk}:{house.source.pk}:m3"


def test_what_fits_takes_one_statement_for_everybody(house, django_assert_max_num_queries, monkeypatch):
    members = [house.member() for _ in range(5)]
    for member in members:
        house.report(member, 1)
    use_reported(at=house.at)
    for member in members:
        house.report(member, 1, 1)
    monkeypatch.setattr(reporting, "consume", None)
    assert use_reported(at=house.at) == 10
    assert {house.balance(member).used for member in members} == {3}


def test_what_does_not_fit_goes_one_by_one(house):
    member = house.member()
    house.report(member, 1)
    use_reported(at=house.at)
    house.report(member, 6, 5, 3)
    use_reported(at=house.at)
    assert house.outcomes(member)[1:] == [(6, "used", 7), (5, "limit_reached", 7), (3, "used", 10)]


def test_odd_amounts(house):
    member = house.member()
    house.report(member, 0.2, "3", None, 0, -1, 10**13, True, [1], 1e300, 2.5)
    use_reported(at=house.at)
    assert house.outcomes(member) == [(1, "used", 1), (3, "used", 4)]


def test_late_events_are_late(house):
    member = house.member()
    house.report(member, 1)
    use_reported(at=house.at)
    before = house.balance(member).period_start - timedelta(microseconds=1)
    house.report(member, 2, at=before)
    use_reported(at=house.at)
    stranger = house.ladder.member(at=house.at)
    house.report(stranger, 2)
    use_reported(at=house.at)
    assert house.outcomes(member)[1][1] == "late"
    assert house.outcomes(stranger) == [(2, "no_access", 0)]


def test_an_event_dated_in_the_next_period_counts_there(house):
    """A device whose clock is ahead says so before the period has begun."""
    member = house.member()
    house.report(member, 1)
    house.report(member, 4, at=house.at + DAY)
    assert use_reported(at=house.at) == 1
    assert house.balance(member).used == 1
    assert use_reported(at=house.at + DAY - timedelta(seconds=1)) == 0
    assert use_reported(at=house.at + DAY) == 1
    balance = house.balance(member)
    assert (balance.used, balance.period_start <= house.at + DAY < balance.period_end) == (4, True)
    assert use_reported(at=house.at + 2 * DAY) == 0
    assert UsageRecord.objects.count() == 2


def test_an_event_of_a_period_that_began_during_the_run_counts_in_it(house):
    """It came after ``at`` was taken, and by then midnight was over."""
    member = house.member()
    house.report(member, 1)
    use_reported(at=house.at)
    midnight = house.balance(member).period_end
    house.at = midnight + timedelta(milliseconds=2)
    house.report(member, 4, at=midnight + timedelta(milliseconds=1))
    assert use_reported(at=midnight - timedelta(milliseconds=1)) == 1
    balance = house.balance(member)
    assert (balance.used, balance.period_start) == (4, midnight)


def test_an_event_from_before_the_membership_counts_nowhere(house):
    monthly = make_benefit("monthly", (house.ladder.silver, {"amount": 10}), kind="quota", consumed_by=house.exported)
    member = house.ladder.member(at=house.at)
    terms.purchase(member_id=member.pk, plan=house.ladder.plan, at=house.at, actor=None)
    house.report(member, None, at=house.at - DAY)
    house.report(member, None)
    use_reported(at=house.at)
    balance = Balance.objects.get(member=member, benefit=monthly)
    assert balance.period_start < house.at - DAY
    assert (balance.used, balance.uses) == (1, 1)
    # The same where the member is settled already, many at once.
    house.report(member, None, at=house.at - 2 * DAY)
    use_reported(at=house.at)
    balance.refresh_from_db()
    assert (balance.used, balance.uses) == (1, 1)
    outcomes = UsageRecord.objects.filter(benefit=monthly).order_by("at").values_list("outcome", flat=True)
    assert list(outcomes) == ["late", "late", "used"]


def test_an_event_without_an_amount_is_one_use_and_may_use_two_benefits(house):
    second = make_benefit("second", (house.ladder.silver, {}), kind="access", consumed_by=house.exported)
    member = house.member()
    house.report(member, 2, None)
    use_reported(at=house.at)
    assert (house.balance(member).used, Balance.objects.get(member=member, benefit=second).used) == (2, 2)


def test_uses_unlock_what_they_unlock(house):
    opened = make_benefit("opened", (house.ladder.silver, {}), kind="access", unlocked_by=house.pages, unlocked_after=3)
    member = house.member()
    house.report(member, 1)
    use_reported(at=house.at)
    house.report(member, 1, 1, 1)
    use_reported(at=house.at)
    assert Balance.objects.get(member=member, benefit=opened).is_open


def test_a_large_backlog_is_read_in_batches(house, monkeypatch):
    monkeypatch.setattr(reporting, "BATCH", 3)
    members = [house.member() for _ in range(4)]
    for member in members:
        house.report(member, 1, 1)
    house.report(members[0], 1, 1, 1, 1, 1)
    assert use_reported(at=house.at) == 13
    assert house.balance(members[0]).used == 7


def test_what_an_open_transaction_may_write_before_is_not_missed(house, monkeypatch):
    member = house.member()
    params = connection.get_connection_params()
    with psycopg.connect(
        host=params["host"], port=params["port"], user=params["user"], password=params["password"],
        dbname=params["dbname"],
    ) as other:  # fmt: skip
        other.execute("SELECT pg_current_xact_id()")
        house.report(member, 1)
        monkeypatch.setattr(reporting, "horizon", horizon)
        assert use_reported(at=house.at) == 0
        other.commit()
    monkeypatch.setattr(reporting, "horizon", everything_so_far)
    assert use_reported(at=house.at) == 1


KILLED = """
import django; django.setup()
from datetime import datetime
from entitlements.usage.operations import reporting
from entitlements.usage.operations.reporting import use_reported
from tests.entitlements.usage.test_events import everything_so_far
reporting.horizon = everything_so_far
consume = reporting.consume
def slow(**values):
    record = consume(**values)
    print("used", flush=True)
    import time; time.sleep({pause})
    return record
reporting.consume = slow
use_reported(at=datetime.fromisoformat("{at}"))
"""


def test_killed_in_between_nothing_is_used_twice(house):
    member = house.member()
    house.report(member, *[1] * 14)
    script = textwrap.dedent(KILLED).format(pause=0.2, at=house.at.isoformat())
    given = settings.DATABASES["default"]
    url = f"postgres://{given['USER']}:{given['PASSWORD']}@{given['HOST']}:{given['PORT']}/{given['NAME']}"
    env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    process = subprocess.Popen(
        [sys.executable, "-c", script], env=env, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(3):
        assert process.stdout.readline() == "used\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = UsageRecord.objects.count()
    assert 3 <= before < 14
    cursor = FactCursor.objects.get(reader="uses").after
    deadline = time.monotonic() + 30
    while UsageRecord.objects.count() < 14 and time.monotonic() < deadline:
        use_reported(at=house.at)
    assert [outcome for _, outcome, _ in house.outcomes(member)] == ["used"] * 10 + ["limit_reached"] * 4
    assert house.balance(member).used == 10
    assert FactCursor.objects.get(reader="uses").after > cursor
