"""Every state machine: a table of moves, two executors that agree, and a database that refuses every other edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import CheckConstraint, Model
from django_fsm import FSMField, can_proceed

from config.engine.moves import MovingQuerySet, edges, moves_of
from tests.suites.world import OUR_APPS, World

# Moved by one statement of its own, with a log; tests/members/lifecycle tell of it.
LOGGED = {"members.MemberLifecycle"}

# What a guard looks at, each way.
CARRIED: dict[str, list[dict[str, Any]]] = {
    **{
        label: [{"starts_at": None}, {"starts_at": "2026-11-16T04:00:00Z"}]
        for label in (
            "members.LifecyclePolicy",
            "entitlements.QualificationPolicy",
            "entitlements.LadderVersion",
            "entitlements.RestoreRule",
        )
    },
    "campaigns.Campaign": [{}, {"current_version": None}],
    "campaigns.MessageIntent": [
        {"channel": channel, "on_wire_at": None if channel == "email" else "2026-11-16T04:00:00Z"}
        for channel in ("email", "in_app", "sms")
    ],
    "entitlements.Coupon": [
        {"is_returnable": True},
        {"is_returnable": False},
    ],
    "entitlements.HonourRun": [{"counted_at": None}, {"counted_at": "2026-11-16T04:00:00Z"}],
}


def machines() -> list[tuple[type[Model], str]]:
    return [
        (model, field.name)
        for model in apps.get_models()
        if model._meta.app_label in OUR_APPS
        for field in model._meta.concrete_fields
        if isinstance(field, FSMField)
    ]


each = pytest.mark.parametrize(("model", "column"), machines(), ids=lambda part: getattr(part, "__name__", ""))


@contextmanager
def without_guards() -> Iterator[None]:
    """No trigger and no foreign key is looked at: a row can be put into any state."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET LOCAL session_replication_role = origin")


def only_row(model: type[Model]) -> Model:
    """One row of the world, alone and free of the table's checks, so that it can be put into any state."""
    row = model._default_manager.order_by("-pk").first()
    assert row is not None, f"the world has no {model._meta.label}: tell tests/suites/makers.py to make one"
    table, key = model._meta.db_table, model._meta.pk.column
    with without_guards(), connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{table}" WHERE "{key}" <> %s', [row.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for check in model._meta.constraints:
            if isinstance(check, CheckConstraint):
                cursor.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT "{check.name}"')
    return row


def put(row: Model, column: str, state: str, carried: dict[str, Any]) -> None:
    """Put the row into ``state``, with these columns."""
    with without_guards():
        type(row)._default_manager.filter(pk=row.pk).update(**{column: state}, **carried)


@each
def test_a_machine_is_a_table_of_moves(model: type[Model], column: str):
    assert moves_of(model).get(column), f"{model._meta.label}.{column}: declare its moves (config.engine.moves)"
    manager = model._default_manager.all()
    assert isinstance(manager, MovingQuerySet) != (model._meta.label in LOGGED)


@each
def test_the_database_refuses_every_other_edge(model: type[Model], column: str, world: World):
    declared = edges(moves_of(model)[column])
    row = only_row(model)
    for (source, target), carried in product(
        product([str(value) for value, _ in model._meta.get_field(column).choices], repeat=2),
        CARRIED.get(model._meta.label, [{}]),
    ):
        if source == target:
            continue
        put(row, column, source, carried)
        refusal = ""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                table, key = model._meta.db_table, model._meta.pk.column
                cursor.execute(f'UPDATE "{table}" SET "{column}" = %s WHERE "{key}" = %s', [target, row.pk])
                transaction.set_rollback(True)
        except IntegrityError as error:
            refusal = str(error)
        assert ("undeclared" in refusal) == ((source, target) not in declared), (source, target, refusal)


@each
def test_one_object_and_the_set_move_alike(model: type[Model], column: str, world: World):
    if model._meta.label in LOGGED:
        return
    row = only_row(model)
    states = [str(value) for value, _ in model._meta.get_field(column).choices]
    for state, carried in product(states, CARRIED.get(model._meta.label, [{}])):
        put(row, column, state, carried)
        one = model._default_manager.get(pk=row.pk)
        for move in moves_of(model)[column]:
            with without_guards(), transaction.atomic():
                moved = bool(model._default_manager.filter(pk=row.pk).apply(move))
                transaction.set_rollback(True)
            assert can_proceed(getattr(one, move.name)) == moved, (move.name, state)
