"""Statements whose planning costs more than their run: prepared once a connection, with a plan for any parameters.

The settings make connections take such a plan from the first time on (``plan_cache_mode``).
"""

import re
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import lru_cache
from typing import Any, TypeVar

import psycopg
from django.db import InterfaceError, OperationalError, connection, transaction

T = TypeVar("T")

_MARK = re.compile(r"%(?:%|\((\w+)\)s)")


def execute_prepared(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement, inside the caller's transaction. Errors are Django's, as from any cursor."""
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


def begin_with(work: Callable[[], T]) -> T:
    """What ``work`` returns, with which a request begins its questions: it checks the connection as well.

    One that was lost since the last request is opened anew and ``work`` done again, so it must be of the kind that may
    be repeated. ``CONN_HEALTH_CHECKS`` would learn it by a question of its own, which is spared here.
    """
    is_checked = connection.in_atomic_block or connection.health_check_done  # type: ignore[attr-defined]
    kept = None if is_checked else connection.connection
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        return work()
    except (OperationalError, InterfaceError):
        # A transaction that cannot be rolled back has closed it, and perhaps opened the next.
        if kept is None or (connection.connection is kept and connection.is_usable()):
            raise
        connection.close()
        return work()


def _rows(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    numbered, names = _numbered(sql)
    # Django's own cursor binds on the client, which PostgreSQL cannot prepare.
    with psycopg.RawCursor(connection.connection) as prepared:
        prepared.execute(numbered, [params[name] for name in names], prepare=True)
        return prepared.fetchall()


@lru_cache
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement with its parameters numbered, and their names: psycopg would read and encode it anew each time."""
    numbers: dict[str, int] = {}

    def number(mark: re.Match[str]) -> str:
        name = mark.group(1)
        return f"${numbers.setdefault(name, len(numbers) + 1)}" if name else "%"

    return _MARK.sub(number, sql).encode(), tuple(numbers)
