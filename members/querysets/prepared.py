"""Statements whose planning costs more than their run: prepared once a connection, with a plan for any parameters."""

import re
from collections.abc import Mapping
from contextlib import nullcontext
from functools import lru_cache
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connection, transaction

_MARK = re.compile(r"%(?:%|\((\w+)\)s)")


def execute_prepared(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement, inside the caller's transaction. Errors are Django's, as from any cursor."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    return execute_within(sql, params)


def execute_within(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """``execute_prepared`` after another one in the same transaction, or where any plan is the same."""
    with connection.wrap_database_errors:
        return _rows(sql, params)


def execute_alone(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement that is a transaction of its own; inside another one, a savepoint.

    Without BEGIN and COMMIT around it, its row locks last no longer than it runs and is made durable.
    """
    alone = transaction.atomic() if connection.in_atomic_block else nullcontext()
    connection.ensure_connection()
    with connection.wrap_database_errors, alone:
        return _rows(sql, params)


def execute_first(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """``execute_alone`` for a statement that begins a request and only reads: it checks the connection as well.

    One that was lost since the last request is opened anew, which ``CONN_HEALTH_CHECKS`` would learn by a question of
    its own before the first transaction; here that question is spared.
    """
    is_unchecked = not connection.in_atomic_block and not connection.health_check_done  # type: ignore[attr-defined]
    try:
        rows = execute_alone(sql, params)
    except (OperationalError, InterfaceError):
        if not is_unchecked or connection.is_usable():
            raise
        connection.close()
        rows = execute_alone(sql, params)
    connection.health_check_done = True  # type: ignore[attr-defined]
    return rows


def _rows(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    numbered, names = _numbered(sql)
    # Django's own cursor binds on the client, which PostgreSQL cannot prepare.
    with psycopg.RawCursor(connection.connection) as prepared:
        prepared.execute(numbered, [params[name] for name in names], prepare=True)
        return prepared.fetchall()


@lru_cache
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """The statement with its parameters numbered, and their names: psycopg would read a long one anew each time."""
    numbers: dict[str, int] = {}

    def number(mark: re.Match[str]) -> str:
        name = mark.group(1)
        return f"${numbers.setdefault(name, len(numbers) + 1)}" if name else "%"

    return _MARK.sub(number, sql), tuple(numbers)
