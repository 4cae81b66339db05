"""Where events come from, as admins set it up."""

from datetime import datetime

from django.db import transaction

from config.audit.record import audit
from config.staff.models import User
from members.events.models import Source
from members.lifecycle.models import MemberLifecycle

FIELDS = ("code", "name", "is_activity_source", "stale_after_hours", "creates_members")
# The silence rules hang on these: who is in cover is looked at anew when one changes.
_SILENCE_FIELDS = {"is_activity_source", "stale_after_hours"}


@transaction.atomic
def save_source(*, source_id: int | None, actor: User, at: datetime, **values: str | bool | int | None) -> Source:
    """Add a source, or change the one with ``source_id``; its events stay as they are."""
    if unknown := set(values) - set(FIELDS):
        raise TypeError(f"not a field of a source: {', '.join(sorted(unknown))}")
    source = Source.objects.select_for_update().get(pk=source_id) if source_id else Source()
    created = source.pk is None
    changed = sorted(name for name, value in values.items() if created or getattr(source, name) != value)
    for name, value in values.items():
        setattr(source, name, value)
    if created:
        source.save()
    else:
        # What a source last said is written by the ingest meanwhile.
        source.save(update_fields=list(values))
    if source.connected_at and _SILENCE_FIELDS & set(changed):
        MemberLifecycle.objects.filter(membership_status="active").mark_due(at)
    audit(source, "source.saved", actor=actor, at=at, code=source.code, created=created, fields=changed)
    return source
