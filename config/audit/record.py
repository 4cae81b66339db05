import re
from datetime import datetime
from typing import Any

from django.db.models import Model

from config.audit.models import AuditEntry
from config.staff.models import User


def audit(
    thing: Model,
    action: str,
    /,
    *,
    actor: User | None,
    at: datetime,
    reason: str = "",
    member_id: int | None = None,
    **data: Any,
) -> AuditEntry:
    """Write the audit row of what was done to ``thing``, in the caller's transaction, and return it.

    ``actor`` is None for the system itself. Kind and id come from the object, the member too: ``thing`` itself where
    it is a member, else its ``member_id``; ``member_id`` names another one. ``data`` must hold no personal data.
    """
    if member_id is None:
        member_id = thing.pk if thing._meta.label_lower == "members.member" else getattr(thing, "member_id", None)
    return AuditEntry.objects.create(
        actor=actor,
        at=at,
        action=action,
        target_type=kind_of(type(thing)),
        target_id=str(thing.pk),
        member_id=member_id,
        reason=reason,
        data=data,
    )


def audit_at_large(action: str, /, *, actor: User | None, at: datetime, **data: Any) -> AuditEntry:
    """Write the audit row of an act on no one thing, such as an export; as ``audit`` otherwise."""
    return AuditEntry.objects.create(actor=actor, at=at, action=action, data=data)


def kind_of(model: type[Model]) -> str:
    """What the audit log calls things of a model: its name in snake case (``code_pool``)."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()
