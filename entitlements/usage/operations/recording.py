"""Uses that happened before or elsewhere, recorded many at a time."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from config.audit.record import audit_at_large
from config.staff.models import User
from entitlements.grants.operations.settling import settle_outdated
from entitlements.usage.querysets.recording import COUNT_USES, ENROL, RECORD


@transaction.atomic
def record_usage(*, rows: Sequence[dict[str, Any]], at: datetime, origin: str, actor: User | None = None) -> int:
    """Record a batch of past uses; returns how many were new.

    A row is a dict of ``member_id``, ``benefit_id``, ``used_at`` (aware, not after ``at``), ``amount`` (1–10^12) and
    ``key``, unique in the batch; a key known before is passed over, so that a batch can be sent again. What was used
    in the usage period that is open now counts against its limit, as far as the member had the benefit then; what is
    older is kept and only adds to the uses. Members of whom something is due are settled first.
    The members become due: the next settling unlocks what this unlocks and renews their usage rate. Safe to run
    concurrently; balances are locked in one order.
    """
    if not rows:
        return 0
    values: dict[str, Any] = {
        "rows": json.dumps([{**row, "used_at": row["used_at"].isoformat()} for row in rows]), "at": at,
        "origin": origin,
    }  # fmt: skip
    settle_outdated(member_ids=sorted({row["member_id"] for row in rows}), at=at)
    with connection.cursor() as cursor:
        cursor.execute(ENROL, values)
        cursor.execute(RECORD, values)
        stored = int(cursor.fetchone()[0])
    audit_at_large("usage.recorded", actor=actor, at=at, rows=stored)
    return stored


@transaction.atomic
def count_uses(member_ids: Sequence[int]) -> None:
    """Count anew how often these members ever used each benefit, as after their records changed hands.

    They become due: the next settling unlocks what this unlocks.
    """
    with connection.cursor() as cursor:
        cursor.execute(COUNT_USES, {"members": list(member_ids)})
