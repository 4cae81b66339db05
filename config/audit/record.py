from collections.abc import Mapping
from datetime import datetime
from typing import Any

from config.audit.models import AuditEntry
from config.staff.models import User


def record_audit(
    *,
    actor: User | None,
    at: datetime,
    action: str,
    target_type: str,
    target_id: object = "",
    member_id: int | None = None,
    reason: str = "",
    data: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write one audit row in the caller's transaction and return it.

    ``actor`` is None for the system itself. ``data`` must hold no personal data.
    """
    return AuditEntry.objects.create(
        actor=actor,
        at=at,
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        member_id=member_id,
        reason=reason,
        data=dict(data or {}),
    )
