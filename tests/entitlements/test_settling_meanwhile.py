"""A member is settled while somebody else writes what is hers."""

from contextlib import closing
from threading import Timer

import pytest
from django.db import connection

from entitlements.grants.models import Balance, FactCursor, Grant, Standing
from entitlements.grants.operations.settling import read_facts, settle_due, settle_members
from tests import factories
from tests.entitlements.making import AT, DAY, give, make_benefit
from tests.horizon import wait_for_horizon

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_grant_that_a_merge_brings_along_meanwhile_is_hers_once():
    survivor, absorbed = (factories.make_member(at=AT - DAY) for _ in range(2))
    both = make_benefit(), make_benefit()
    give(both[0], None, 5)
    settle_members(member_ids=[absorbed.pk], at=AT)
    give(both[1], None, 7)
    with closing(connection.copy()) as merging:
        merging.set_autocommit(False)
        with merging.cursor() as cursor:
            cursor.execute("UPDATE entitlements_grant SET member_id = %s", [survivor.pk])
        merging.inc_thread_sharing()
        Timer(0.5, merging.commit).start()
        settle_members(member_ids=[survivor.pk], at=AT)
    given = Grant.objects.filter(member=survivor, voided_at__isnull=True).values_list("benefit_id", "amount")
    assert sorted(given) == [(both[0].pk, 5), (both[1].pk, 7)]
    assert sorted(Balance.objects.filter(member=survivor).values_list("granted", flat=True)) == [5, 7]
    assert Standing.objects.get(pk=survivor.pk).via == "free"


def test_a_tick_does_not_wait_for_another_that_reads_what_changed():
    read_facts(at=AT)
    factories.make_member(at=AT - DAY)
    before = dict(FactCursor.objects.values_list("reader", "after"))
    with closing(connection.copy()) as reading, connection.cursor() as ours:
        reading.set_autocommit(False)
        with reading.cursor() as cursor:
            cursor.execute("SELECT FROM entitlements_factcursor FOR UPDATE")
        ours.execute("SET lock_timeout = '2s'")
        try:
            settle_due(at=AT)
        finally:
            ours.execute("RESET lock_timeout")
        reading.rollback()
    assert dict(FactCursor.objects.values_list("reader", "after")) == before
    wait_for_horizon()
    settle_due(at=AT)
    after = dict(FactCursor.objects.values_list("reader", "after"))
    assert all(after[reader] > position for reader, position in before.items())
