"""The table of moves, its two executors and the database's own guard say the same."""

from contextlib import nullcontext
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django_fsm import TransitionNotAllowed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.lifecycle import EDGES, END, MOVES, Reason, Status
from campaigns.models import Campaign, MessageIntent
from campaigns.operations.planning import plan
from config.engine.moves import make_move
from tests.campaigns.world import AT, member_ending

pytestmark = pytest.mark.django_db

MAKEABLE = [move for move in MOVES if None not in move.sources]
# What each status needs beside it to satisfy the table's own checks.
CARRIED = {
    "claimed": {"claimed_by": "w", "lease_until": AT},
    "on_wire": {"claimed_by": "w", "lease_until": AT, "on_wire_at": AT},
    "unknown": {"reason": Reason.LEASE_LOST, "on_wire_at": AT, "claimed_by": "w"},
    "sent": {"on_wire_at": AT},
    "failed": {"reason": Reason.GAVE_UP},
    "suppressed": {"reason": Reason.RENEWED},
    "expired": {"reason": Reason.TOO_LATE},
}
BROUGHT = {**CARRIED, "pending": {"claimed_by": "", "lease_until": None}}


@pytest.fixture
def intent(db) -> MessageIntent:
    member_ending(AT + timedelta(days=8))
    plan(at=AT)
    return MessageIntent.objects.get(step_key="d7.email")


def put(intent: MessageIntent, **columns) -> MessageIntent:
    """The row as it might be found, whatever way it took: the guards are not asked."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        MessageIntent.objects.filter(pk=intent.pk).update(**columns)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    return MessageIntent.objects.get(pk=intent.pk)


def by_object(intent: MessageIntent, move) -> str:
    row = MessageIntent.objects.get(pk=intent.pk)
    try:
        getattr(row, move.name)()
    except TransitionNotAllowed:
        return MessageIntent.objects.get(pk=intent.pk).status
    for name, value in BROUGHT[move.target].items():
        setattr(row, name, value)
    row.save(update_fields=["status", *BROUGHT[move.target]])
    return MessageIntent.objects.get(pk=intent.pk).status


def by_set(intent: MessageIntent, move) -> str:
    MessageIntent.objects.filter(pk=intent.pk).apply(move, **BROUGHT[move.target])
    return MessageIntent.objects.get(pk=intent.pk).status


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    move=st.sampled_from(MAKEABLE),
    status=st.sampled_from([s.value for s in Status]),
    channel=st.sampled_from(["email", "in_app"]),
    was_on_wire=st.booleans(),
)
def test_object_and_set_agree(intent, move, status, channel, was_on_wire):
    columns = {
        "status": status,
        "channel": channel,
        "reason": "",
        "claimed_by": "",
        "lease_until": None,
        "on_wire_at": None,
    }
    columns |= CARRIED.get(status, {})
    if was_on_wire:
        columns["on_wire_at"] = AT
    if status == "sent" and channel == "email":
        columns["on_wire_at"] = AT
    outcomes = []
    for executor in (by_object, by_set):
        savepoint = transaction.savepoint()
        put(intent, **columns)
        try:
            outcomes.append(executor(intent, move))
        except IntegrityError as error:
            outcomes.append(f"refused: {str(error).splitlines()[0]}")
        transaction.savepoint_rollback(savepoint)
    assert outcomes[0] == outcomes[1]
    allowed = status in move.sources and move.holds(MessageIntent(**columns))
    assert outcomes[0].startswith("refused") or outcomes[0] == (move.target if allowed else status)


@pytest.mark.parametrize("source", [s.value for s in Status])
@pytest.mark.parametrize("target", [s.value for s in Status])
def test_the_database_refuses_every_undeclared_edge_from_raw_sql(intent, source, target):
    row = put(intent, status=source, **{"on_wire_at": AT, **CARRIED.get(source, {})})
    columns = {"on_wire_at": AT, **BROUGHT[target]}
    declared = source == target or (source, target) in EDGES
    sets = ", ".join(f"{name} = %s" for name in columns)
    refusal = nullcontext() if declared else pytest.raises(IntegrityError, match="undeclared edge")
    with refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE campaigns_messageintent SET status = %s, {sets} WHERE id = %s",
            [target, *columns.values(), row.pk],
        )


@pytest.mark.parametrize("status", [s.value for s in Status])
def test_a_message_begins_as_planned_only(intent, status):
    copy = MessageIntent.objects.get(pk=intent.pk)
    copy.pk, copy.step_key = None, "other"
    columns = {"on_wire_at": AT, **CARRIED.get(status, {})}
    fields = {f.attname: getattr(copy, f.attname) for f in MessageIntent._meta.concrete_fields if f.attname != "id"}
    fields |= columns | {"status": status}
    declared = (None, status) in EDGES
    refusal = nullcontext() if declared else pytest.raises(IntegrityError, match="cannot begin as")
    with refusal, transaction.atomic():
        MessageIntent.objects.bulk_create([MessageIntent(**fields)])


def test_the_same_message_cannot_be_planned_twice(intent):
    copy = MessageIntent.objects.get(pk=intent.pk)
    copy.pk = None
    with pytest.raises(IntegrityError, match="message_once"), transaction.atomic():
        copy.save(force_insert=True)


def test_what_was_on_the_wire_is_never_revived(intent):
    put(intent, status="suppressed", reason="renewed", on_wire_at=AT)
    revive = next(move for move in MOVES if move.name == "revive")
    assert MessageIntent.objects.filter(pk=intent.pk).apply(revive) == 0


@pytest.mark.parametrize("table", ["campaigns_campaignversion", "campaigns_templateversion", "campaigns_decision"])
def test_what_was_published_cannot_be_changed(intent, table):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET id = id")


def test_an_ended_campaign_stays_ended(db):
    campaign = Campaign.objects.get(code="renewal-cadence")
    make_move(campaign, END)
    campaign.save(update_fields=["status"])
    with pytest.raises(IntegrityError, match="undeclared edge"), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(status="running")
    assert plan(at=AT).enrolled == 0
