"""A fact that is recorded while its member is being judged is not overlooked."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection

from members.events.operations.recording import record_events
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.lifecycle.operations.sweep import SweepResult, sweep
from members.lifecycle.querysets import assessment
from members.terms.operations import terms
from tests import factories
from tests.conftest import AT

LOCK = 20_261_123
DAY = timedelta(days=1)


def _sweep() -> SweepResult:
    try:
        return sweep(at=AT)
    finally:
        connection.close()


def _wait_for_waiter() -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", [LOCK]
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("the sweep did not begin")


@pytest.mark.django_db(transaction=True)
def test_a_fact_that_comes_while_its_member_is_judged(monkeypatch):
    member = factories.make_member(at=AT - 100 * DAY)
    source = factories.SourceFactory(is_activity_source=True, connected_at=AT - 100 * DAY, last_event_at=AT)
    terms.purchase(member_id=member.pk, plan=factories.PlanFactory(duration_unit="year"), at=AT - 100 * DAY, actor=None)
    sweep(at=AT)
    state = MemberLifecycle.objects.filter(pk=member.pk)
    assert state.get().lifecycle_state == "churned"
    state.mark_due(AT)
    held = f"(SELECT pg_advisory_xact_lock({LOCK}) IS NOT NULL) AND s.next_due_at <="
    monkeypatch.setattr(assessment, "DUE", assessment.DUE.replace("s.next_due_at <=", held))
    row = {"member_id": member.pk, "name": "opened", "occurred_at": AT, "message_id": "meanwhile"}
    with closing(connection.copy()) as holder, ThreadPoolExecutor(1) as pool:
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        judging = pool.submit(_sweep)
        _wait_for_waiter()
        record_events(rows=[row], source=source, at=AT)
        with holder.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        judging.result(timeout=30)
    monkeypatch.undo()
    sweep(at=AT)
    assert state.get().lifecycle_state != "churned"
    assert LifecycleTransition.objects.filter(member=member, from_state="churned").count() == 1
