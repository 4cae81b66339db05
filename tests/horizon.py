"""Waiting until a log can be read to its end."""

import time

from django.db import connection

from config.engine.stays import horizon


def wait_for_horizon() -> None:
    """Until no transaction of another test, in whatever database of this server, holds the horizon back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        last = cursor.fetchone()[0]
    ends = time.monotonic() + 120
    while horizon() <= last and time.monotonic() < ends:
        time.sleep(0.05)
