"""Statements whose planning costs more than their run: prepared once a connection, with a plan for any parameters."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import psycopg
from django.db import connection, transaction


def execute_prepared(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement, inside the caller's transaction. Errors are Django's, as from any cursor."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    # Django's own cursor binds on the client, which PostgreSQL cannot prepare.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as prepared:
        prepared.execute(sql, params, prepare=True)
        return prepared.fetchall()


def execute_alone(sql: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement that is a transaction of its own; inside another one, a savepoint.

    Without BEGIN and COMMIT around it, its row locks last no longer than it runs and is made durable.
    """
    alone = transaction.atomic() if connection.in_atomic_block else nullcontext()
    connection.ensure_connection()
    with connection.wrap_database_errors, alone, psycopg.Cursor(connection.connection) as prepared:
        prepared.execute(sql, params, prepare=True)
        return prepared.fetchall()
