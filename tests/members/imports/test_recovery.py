"""Resume, undo, and two workers at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

from campaigns.models import MessageIntent
from campaigns.operations.planning import plan
from config.engine.refusal import Refused
from members.events.models import ActiveDay, Event, EventDay, EventReceipt
from members.imports import apply, staging
from members.imports.models import ImportRun
from members.imports.operations import writes
from members.imports.operations.undo import obstacles, start_undo
from members.imports.operations.uploads import receive, start_check
from members.imports.operations.work import work
from members.imports.operations.writes import confirm
from members.imports.tasks import rescue_imports
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.people.models import Identity, Member
from members.people.operations import people
from members.tags.models import MemberTag
from members.terms.models import MembershipTerm, MemberSignal
from tests.factories import TierFactory, make_event, make_member
from tests.members.imports.files import again, checked, csv, upload, written

pytestmark = pytest.mark.django_db

HEADER = "会员编号,姓名,手机号,会员等级,激活时间,到期时间,自动续费"


@pytest.fixture
def gold(db):
    return TierFactory(code="gold", name="Gold", name_zh="金卡")


def row(n: int, name: str = "N", end: str = "2027-11-01") -> str:
    return f"A{n},{name}{n},138123427{n:02d},金卡,2026-11-02,{end},是"


def everything() -> dict[str, list]:
    """All that an import may write, as comparable rows."""
    return {
        model.__name__: sorted(map(str, model.objects.values_list()))
        for model in (Member, Identity, MembershipTerm, MemberSignal, ActiveDay, Event, EventReceipt)
    }


def test_undo_of_created_members_leaves_no_trace(gold, operator, at):
    make_member(at=at)
    before = everything()
    states = list(MemberLifecycle.objects.values())
    run = written(csv(HEADER, [row(n) for n in range(5)]), actor=operator, at=at)
    assert Member.objects.count() == 6
    assert start_undo(run_id=run.pk, actor=operator, at=at + timedelta(hours=1))
    work(run_id=run.pk, at=at + timedelta(hours=1))
    assert again(run).status == "undone"
    assert everything() == before
    assert list(MemberLifecycle.objects.values()) == states
    assert LifecycleTransition.objects.count() == 1
    assert not MemberTag.objects.exists()


def test_undo_sets_changed_members_back_and_voids_their_new_terms(gold, operator, at):
    member = make_member(
        at=at - timedelta(days=1), display_name="Old", identities={"external_id": "A1", "phone": "13700000000"}
    )
    run = written(csv(HEADER, [row(1, "New")]), actor=operator, at=at)
    assert (run.created_count, run.updated_count) == (0, 1)
    assert MemberLifecycle.objects.get().lifecycle_state == "first_paid"
    assert start_undo(run_id=run.pk, actor=operator, at=at + timedelta(hours=1))
    work(run_id=run.pk, at=at + timedelta(hours=1))
    member.refresh_from_db()
    assert member.display_name == "Old"
    assert set(member.identities.values_list("kind", "value")) == {("external_id", "A1"), ("phone", "13700000000")}
    assert MembershipTerm.objects.get().close_reason == "void"
    assert not MemberSignal.objects.exists()
    row_ = MemberLifecycle.objects.get()
    assert (row_.lifecycle_state, row_.target_rule, row_.auto_renewal_flag) == ("prospect", "all_voided", False)
    # And the same file can be written again.
    again_ = written(csv(HEADER, [row(1, "New")]), actor=operator, at=at + timedelta(hours=2))
    assert again_.updated_count == 1


@pytest.mark.parametrize("touch", ["profile", "term", "event", "import"])
def test_undo_is_refused_once_later_work_stands_on_it(touch, gold, operator, at):
    run = written(csv(HEADER, [row(1), row(2)]), actor=operator, at=at)
    member = Identity.objects.get(kind="external_id", value="A2").member
    later = at + timedelta(hours=1)
    if touch == "profile":
        people.edit_member(member_id=member.pk, actor=operator, at=later, display_name="Edited")
    elif touch == "term":
        MembershipTerm.objects.filter(member=member).update(closed_at=later, close_reason="refund")
    elif touch == "event":
        make_event(member=member, at=later)
    else:
        written(csv(HEADER, [row(2, "Later")]), actor=operator, at=later)
    found = obstacles(run)
    assert [(count, ids) for reason, count, ids in found.found if reason == touch] == [(1, [member.pk])]
    with pytest.raises(Refused):
        start_undo(run_id=run.pk, actor=operator, at=later)
    assert again(run).status == "done"
    assert Member.objects.count() == 2


def test_undo_that_is_touched_while_waiting_stops(gold, operator, at):
    run = written(csv(HEADER, [row(1)]), actor=operator, at=at)
    start_undo(run_id=run.pk, actor=operator, at=at)
    people.edit_member(
        member_id=Member.objects.get().pk, actor=operator, at=at + timedelta(hours=1), display_name="Edited"
    )
    work(run_id=run.pk, at=at + timedelta(hours=2))
    assert (again(run).status, again(run).failure_code) == ("done", "touched_since")
    assert Member.objects.get().display_name == "Edited"


def test_planned_messages_go_along_and_sent_ones_forbid_it(gold, operator, at):
    run = written(csv(HEADER, [row(1, end="2026-11-21").replace("是", "否")]), actor=operator, at=at)
    plan(at=at)
    assert MessageIntent.objects.exists()
    assert not obstacles(run)
    intent = MessageIntent.objects.filter(status="pending").first()
    with transaction.atomic():
        for status in ("claimed", "on_wire", "sent"):
            MessageIntent.objects.filter(pk=intent.pk).update(
                status=status, on_wire_at=at, claimed_by="worker", lease_until=at
            )
        assert [(count, ids) for _, count, ids in obstacles(run).found] == [(1, [intent.member_id])]
        transaction.set_rollback(True)
    start_undo(run_id=run.pk, actor=operator, at=at)
    work(run_id=run.pk, at=at + timedelta(hours=1))
    assert again(run).status == "undone"
    assert not MessageIntent.objects.exists()


def test_undo_of_events_takes_events_and_active_days_back(operator, at):
    make_member(at=at - timedelta(days=9), identities={"external_id": "A1"})
    before = everything()
    text = csv(
        "external_id,event,occurred_at,value", ["A1,opened,2026-11-10 08:00,", "A1,order_completed,2026-11-11,12.50"]
    )
    run = written(text, actor=operator, at=at)
    assert (run.created_count, ActiveDay.objects.count(), EventReceipt.objects.count()) == (2, 2, 2)
    start_undo(run_id=run.pk, actor=operator, at=at)
    work(run_id=run.pk, at=at + timedelta(hours=1))
    assert again(run).status == "undone"
    assert everything() == before
    assert set(EventDay.objects.values_list("events", flat=True)) == {0}
    assert written(text, actor=operator, at=at + timedelta(hours=2)).created_count == 2


def test_a_write_that_dies_begins_anew_and_lands_once(gold, operator, at, monkeypatch):
    run = checked(csv(HEADER, [row(n) for n in range(5)]), actor=operator, at=at)
    confirm(run_id=run.pk, mode="all", actor=operator, at=at)
    real = writes._finish_write

    def dies(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(writes, "_finish_write", dies)
    with pytest.raises(KeyboardInterrupt):
        work(run_id=run.pk, at=at)
    assert not Member.objects.exists()
    assert again(run).status == "applying"
    monkeypatch.setattr(writes, "_finish_write", real)
    assert ImportRun.objects.abandoned() == [run.pk]
    work(run_id=run.pk, at=at)
    assert (again(run).status, Member.objects.count()) == ("done", 5)


def test_tables_emptied_by_a_crash_of_the_database_are_filled_again(gold, operator, at):
    run = checked(csv(HEADER, [row(n) for n in range(5)]), actor=operator, at=at)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {staging.rows_table(run.pk)}, {staging.raw_table(run.pk)}")
    confirm(run_id=run.pk, mode="all", actor=operator, at=at)
    work(run_id=run.pk, at=at)
    assert (again(run).status, again(run).created_count) == ("done", 5)


def test_a_run_that_keeps_dying_is_given_up(gold, operator, at):
    run = receive(upload=upload(csv(HEADER, [row(1)])), actor=operator, at=at)
    start_check(run_id=run.pk, mapping=run.mapping, options={})
    ImportRun.objects.filter(pk=run.pk).update(attempts=5)
    work(run_id=run.pk, at=at)
    assert (again(run).status, again(run).failure_code) == ("failed", "gave_up")


def test_what_changed_between_check_and_write_is_judged_again(gold, operator, at):
    run = checked(csv(HEADER, [row(1)]), actor=operator, at=at)
    # Somebody takes the phone meanwhile: now the row is an error, and nothing is written before a person looks.
    make_member(at=at + timedelta(minutes=1), identities={"external_id": "other", "phone": "13812342701"})
    confirm(run_id=run.pk, mode="all", actor=operator, at=at + timedelta(minutes=2))
    work(run_id=run.pk, at=at + timedelta(minutes=2))
    assert (again(run).status, again(run).rows_rejected) == ("checked", 1)
    assert Member.objects.count() == 1


def test_members_created_meanwhile_become_updates(gold, operator, at):
    run = checked(csv(HEADER, [row(1)]), actor=operator, at=at)
    make_member(at=at + timedelta(minutes=1), identities={"external_id": "A1"})
    confirm(run_id=run.pk, mode="all", actor=operator, at=at + timedelta(minutes=2))
    work(run_id=run.pk, at=at + timedelta(minutes=2))
    run = again(run)
    assert (run.status, run.created_count, run.updated_count, Member.objects.count()) == ("done", 0, 1, 1)


def test_discarding_drops_the_tables_and_the_file(gold, operator, at):
    from members.imports.operations.uploads import discard

    run = checked(csv(HEADER, [row(1)]), actor=operator, at=at)
    assert discard(run_id=run.pk, actor=operator, at=at)
    assert not discard(run_id=run.pk, actor=operator, at=at)
    assert staging.fetch_rows(run.pk, [2]) == {}


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_one_run_write_once(operator, at):
    TierFactory(code="gold", name="Gold", name_zh="金卡")
    run = checked(csv(HEADER, [row(n) for n in range(40)]), actor=operator, at=at)
    confirm(run_id=run.pk, mode="all", actor=operator, at=at)
    barrier, failures = threading.Barrier(3), []

    def one() -> None:
        try:
            barrier.wait()
            work(run_id=run.pk, at=at)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    run = again(run)
    assert (run.status, run.created_count, Member.objects.count()) == ("done", 40, 40)
    assert rescue_imports() is None


@pytest.mark.django_db(transaction=True)
def test_ids_reserved_for_a_run_are_given_to_nobody_else(operator, at):
    first = make_member(at=at)
    base = apply.reserve_member_ids(1000)
    after = make_member(at=at)
    assert first.pk <= base
    assert after.pk > base + 1000
