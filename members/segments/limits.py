"""The one way in which rules are asked: read-only and within a time limit, however they were written."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg import errors

SECONDS = 5


class TooSlow(Exception):
    """The rule takes longer to answer than allowed."""


@contextmanager
def reading(seconds: float = SECONDS) -> Iterator[None]:
    """Queries inside may not write and end after ``seconds`` each; raises TooSlow when one is cut off.

    Nothing is left behind, also inside another transaction: the settings go with the savepoint.
    """
    with limited(seconds):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
        yield
        transaction.set_rollback(True)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """One transaction whose statements end after ``seconds`` each; raises TooSlow when one is cut off."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, errors.QueryCanceled):
            raise TooSlow from error
        raise
