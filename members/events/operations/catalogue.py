"""What an event means, as operators say it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from config.audit.record import audit
from config.staff.models import User
from members.events.models import EventDefinition
from members.events.querysets.catalogue import RECOUNT_DAYS
from members.people.rules import local_date

FIELDS = ("label", "label_zh", "is_activity", "carries_money", "consumes_benefit")


@transaction.atomic
def save_definition(*, definition_id: int, actor: User, at: datetime, **values: str | bool) -> EventDefinition:
    """Change labels and meaning of an event.

    Where "counts as activity" changes, the active days of everybody who has the event wait to be counted anew
    (``recount_activity``). The caller wakes that.
    """
    if unknown := set(values) - set(FIELDS):
        raise TypeError(f"not a field of an event: {', '.join(sorted(unknown))}")
    definition = EventDefinition.objects.select_for_update().get(pk=definition_id)
    changed = sorted(name for name, value in values.items() if getattr(definition, name) != value)
    for name, value in values.items():
        setattr(definition, name, value)
    if "is_activity" in changed:
        definition.recount_due_at = at
    definition.save(update_fields=[*values, "recount_due_at"])
    audit(definition, "event.saved", actor=actor, at=at, name=definition.name, fields=changed)
    return definition


def recount_activity(*, at: datetime) -> int:
    """Count active days anew where the meaning of an event changed; returns how many members were.

    Goes back ``RECOUNT_DAYS``. The members are judged anew at ``at``: what the log says of the time before stays. An
    event stays due until it is through, so that nothing is lost by a crash. Safe to run concurrently with itself.
    """
    recounted = 0
    for definition_id in list(EventDefinition.objects.awaiting_recount().values_list("pk", flat=True)):
        # Twice: what came in meanwhile may have relied on an active day that the first count took away.
        _recount(definition_id, at, is_last=False)
        recounted += _recount(definition_id, at, is_last=True)
    return recounted


@transaction.atomic
def _recount(definition_id: int, at: datetime, *, is_last: bool) -> int:
    waiting = EventDefinition.objects.awaiting_recount().select_for_update()
    definition = waiting.filter(pk=definition_id).first()
    if definition is None:
        return 0
    first_on = local_date(at, settings.PROJECT_TIME_ZONE) - timedelta(days=RECOUNT_DAYS)
    recounted = EventDefinition.objects.all().recount(
        {"definition": definition_id, "first_on": first_on, "zone": settings.PROJECT_TIME_ZONE, "at": at}
    )
    if is_last:
        definition.recount_due_at = None
        definition.save(update_fields=["recount_due_at"])
    return recounted
