"""Programs use benefits at the same time: exact totals."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection

from config.engine.refusal import Refused
from entitlements.grants.models import Balance, Lot
from entitlements.grants.operations.settling import settle_members
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.consuming import consume, reverse
from tests.entitlements.usage.conftest import AT, DAY, Ladder, make_benefit

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 32


@pytest.fixture
def house():
    ladder = Ladder()
    at = AT
    return ladder, ladder.member(ladder.plan, at=at), at


def at_once(work, count: int) -> list:
    """What ``work(n)`` returned or raised, for n from 0 on, in as many threads as the database has room for."""

    def one(n: int):
        try:
            return work(n)
        except Refused as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(count)))


def test_200_consumers_of_100_get_exactly_100(house):
    ladder, member, at = house

    def use(n):
        return consume(member_id=member.pk, benefit=ladder.credit, amount=1, at=at, origin="api", key=f"k{n}")

    outcomes = Counter(record.outcome for record in at_once(use, 200))
    assert outcomes == {"used": 100, "limit_reached": 100}
    balance = Balance.objects.get(member=member, benefit=ladder.credit)
    assert (balance.used, balance.granted, balance.uses) == (100, 100, 100)
    used = UsageRecord.objects.filter(outcome="used")
    assert sorted(used.values_list("used_after", flat=True)) == list(range(1, 101))


@pytest.mark.parametrize("left", [100, 3, 0])
def test_50_replays_of_one_key_have_one_effect(house, left):
    ladder, member, at = house
    if left < 100:
        consume(member_id=member.pk, benefit=ladder.credit, amount=100 - left, at=at, origin="api")

    def use(_):
        return consume(member_id=member.pk, benefit=ladder.credit, amount=3, at=at, origin="api", key="once")

    records = at_once(use, 50)
    assert len({record.pk for record in records}) == 1
    assert {(r.outcome, r.used_after, r.granted_after) for r in records} == {
        ("used", 100 - left + 3, 100) if left >= 3 else ("limit_reached", 100 - left, 100)
    }
    assert UsageRecord.objects.filter(idempotency_key="once").count() == 1
    assert Balance.objects.get(member=member, benefit=ladder.credit).used == 100 - left + (3 if left >= 3 else 0)


def test_of_two_requests_with_one_key_one_is_refused(house):
    ladder, member, at = house

    def use(n):
        return consume(member_id=member.pk, benefit=ladder.credit, amount=1 + n % 2, at=at, origin="api", key="k")

    answers = at_once(use, 20)
    assert answers.count("key_reused") == 10
    assert UsageRecord.objects.count() == 1


def test_settling_at_the_same_moment_loses_nothing(house):
    ladder, member, at = house
    many = make_benefit("many", (ladder.silver, {"amount": 10_000}), kind="quota")
    settle_members(member_ids=[member.pk], at=at)
    done = Event()

    def settle() -> int:
        rounds = 0
        try:
            while not done.is_set():
                settle_members(member_ids=[member.pk], at=at)
                rounds += 1
            return rounds
        finally:
            connection.close()

    def use(n):
        record = consume(member_id=member.pk, benefit=many, amount=1 + n % 3, at=at, origin="api", key=f"k{n}")
        if n % 5 == 0:
            reverse(record_id=record.pk, at=at, origin="api")
        return 0 if n % 5 == 0 else record.amount

    with ThreadPoolExecutor(1) as pool:
        settling = pool.submit(settle)
        total = sum(at_once(use, 300))
        done.set()
        assert settling.result() > 1
    settle_members(member_ids=[member.pk], at=at)
    balance = Balance.objects.get(member=member, benefit=many)
    assert (balance.used, balance.laid) == (total, balance.units)
    assert Lot.objects.get(member=member, benefit=many).used == total


def test_a_use_is_taken_back_once_by_many(house):
    ladder, member, at = house
    record = consume(member_id=member.pk, benefit=ladder.credit, amount=7, at=at, origin="api")
    reversals = at_once(lambda _: reverse(record_id=record.pk, at=at + DAY / 24, origin="api"), 20)
    assert len({each.pk for each in reversals}) == 1
    assert Balance.objects.get(member=member, benefit=ladder.credit).used == 0
