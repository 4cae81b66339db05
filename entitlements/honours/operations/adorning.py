"""What a benefit shows of whoever has it is set and taken off here."""

from datetime import datetime

from django.db import transaction

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.benefits.models import Benefit
from entitlements.honours.models import Adornment

FIELDS = ("form", "style", "text", "text_zh", "prominence")


@transaction.atomic
def adorn_benefit(*, benefit_id: int, actor: User | None, at: datetime, **values: object) -> Adornment:
    """Let a benefit show itself on whoever has it; returns the adornment. ``values`` are fields of the model.

    Raises Refused: ``not_emotional``, ``has_limit`` for what is used up.
    """
    if unknown := set(values) - set(FIELDS):
        raise TypeError(f"not a field of an adornment: {', '.join(sorted(unknown))}")
    benefit = Benefit.objects.select_for_update().get(pk=benefit_id)
    if benefit.has_limit:
        raise Refused("has_limit")
    if benefit.category != Benefit.Category.EMOTIONAL:
        raise Refused("not_emotional")
    adornment, _ = Adornment.objects.update_or_create(benefit=benefit, defaults=values)
    audit(benefit, "adornment.saved", actor=actor, at=at, code=benefit.code, form=adornment.form, style=adornment.style)
    return adornment


@transaction.atomic
def strip_benefit(*, benefit_id: int, actor: User | None, at: datetime) -> bool:
    """Let a benefit show nothing any more; returns whether it did. Members keep the benefit."""
    found, _ = Adornment.objects.filter(benefit_id=benefit_id).delete()
    if found:
        audit(Benefit.objects.get(pk=benefit_id), "adornment.removed", actor=actor, at=at)
    return bool(found)
