"""Active days looked up again in the events."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from members.events.querysets.days import FIND_AGAIN


def find_again(member_id: int, rows: Sequence[dict[str, Any]]) -> None:
    """Record the days of these rows for the member whose own events say so, where they are not recorded."""
    with connection.cursor() as cursor:
        cursor.execute(
            FIND_AGAIN,
            {"member": member_id, "days": [row["local_on"] for row in rows], "zone": settings.PROJECT_TIME_ZONE},
        )
