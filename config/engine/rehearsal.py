"""Acts tried out and taken back: what a page says before the press is what the act itself does."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from config.engine.refusal import Refused

# Who looks ahead waits no longer than this for somebody who is acting.
LOCK_TIMEOUT = "2s"


@contextmanager
def rehearsal() -> Iterator[None]:
    """Whatever is written within is taken back at its end, and what waits for the commit is never called.

    For acts whose effects lie in the database alone. It takes the locks of the act for as long as it lasts. Raises
    Refused ``busy`` when somebody else holds one of them, besides whatever the act raises.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            yield
            transaction.set_rollback(True)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise Refused("busy") from None
        raise
