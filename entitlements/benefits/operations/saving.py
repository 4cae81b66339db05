"""Benefits and packs are made, changed and archived here. What a tier gives of them is the ladder's."""

from datetime import datetime
from typing import Any

from django.db import transaction

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.benefits.models import Benefit, Pack, PackBenefit, PlanBenefit, TierBenefit

# What decides how grants that exist already are counted.
FIXED_ONCE_GRANTED = ("kind", "period", "is_by_calendar")
_LIVE = ("draft", "submitted", "scheduled", "active")


@transaction.atomic
def save_benefit(*, benefit_id: int | None, actor: User | None, at: datetime, **values: Any) -> Benefit:
    """Save a benefit, new or changed; returns it. ``values`` are fields of the model.

    Raises Refused: ``granted`` when kind or usage period would change after the first grant, ``code_taken``,
    ``unlocks_itself`` when a chain of unlocking leads back to it, ``level_twice``, and ``levels_given`` when levels
    that something gives would go or change places.
    """
    benefit = Benefit.objects.select_for_update().get(pk=benefit_id) if benefit_id else Benefit(created_at=at)
    changed = [name for name, value in values.items() if not benefit.pk or getattr(benefit, name) != value]
    if set(changed) & set(FIXED_ONCE_GRANTED) and is_granted(benefit):
        raise Refused("granted")
    if Benefit.objects.filter(code=values.get("code", benefit.code)).exclude(pk=benefit.pk).exists():
        raise Refused("code_taken")
    levels = benefit.levels
    for name, value in values.items():
        setattr(benefit, name, value)
    _refuse_circle(benefit)
    if "levels" in changed:
        _refuse_levels(benefit, levels)
    benefit.save()
    audit(benefit, "benefit.saved", actor=actor, at=at, code=benefit.code, changed=sorted(changed))
    return benefit


@transaction.atomic
def archive_benefit(*, benefit_id: int, actor: User | None, at: datetime, reason: str = "") -> Benefit:
    """Offer the benefit no more; grants given by hand run out. Raises Refused while something gives it."""
    benefit = Benefit.objects.select_for_update().get(pk=benefit_id)
    if obstacles := obstacles_to_archiving(benefit):
        raise Refused(obstacles[0])
    return _switched(benefit, True, "benefit.archived", actor, at, reason)


@transaction.atomic
def restore_benefit(*, benefit_id: int, actor: User | None, at: datetime) -> Benefit:
    """Offer the benefit again."""
    benefit = Benefit.objects.select_for_update().get(pk=benefit_id)
    return _switched(benefit, False, "benefit.restored", actor, at, "")


def is_granted(benefit: Benefit) -> bool:
    """Whether anybody was ever given it."""
    return bool(benefit.pk) and benefit.grants.exists()


def obstacles_to_archiving(benefit: Benefit) -> list[str]:
    """What still gives or needs the benefit, as codes of ``Refused``; nothing when it may be archived."""
    found = []
    cells = TierBenefit.objects.filter(benefit=benefit, version__status__in=_LIVE)
    additions = PlanBenefit.objects.filter(benefit=benefit, version__status__in=_LIVE)
    if cells.exists() or additions.exists():
        found.append("in_ladder")
    if PackBenefit.objects.filter(benefit=benefit, pack__is_sold=True).exists():
        found.append("in_pack")
    if benefit.unlocks.current().exists():
        found.append("unlocks")
    return found


@transaction.atomic
def save_pack(
    *, pack_id: int | None, actor: User | None, at: datetime, parts: list[dict[str, Any]], **values: Any
) -> Pack:
    """Save a pack and what is in it (``benefit``, ``amount``, ``level``, ``recurs``); returns it.

    What members were given of it before stays as it was. Raises Refused: ``code_taken``, ``empty_pack``,
    ``unknown_level``.
    """
    if not parts:
        raise Refused("empty_pack")
    if any(part.get("level") and part["level"] not in part["benefit"].levels for part in parts):
        raise Refused("unknown_level")
    pack = Pack.objects.select_for_update().get(pk=pack_id) if pack_id else Pack()
    if Pack.objects.filter(code=values["code"]).exclude(pk=pack.pk).exists():
        raise Refused("code_taken")
    for name, value in values.items():
        setattr(pack, name, value)
    pack.save()
    pack.benefits.all().delete()
    PackBenefit.objects.bulk_create(PackBenefit(pack=pack, **part) for part in parts)
    contents = {part["benefit"].code: part["amount"] for part in parts}
    audit(pack, "pack.saved", actor=actor, at=at, code=pack.code, benefits=contents)
    return pack


def _refuse_circle(benefit: Benefit) -> None:
    # As they are stored, whatever the caller holds of the other one.
    keys = dict(Benefit.objects.exclude(pk=benefit.pk).values_list("pk", "unlocked_by"))
    step = benefit.unlocked_by_id
    while step is not None and step != benefit.pk:
        step = keys.get(step)
    if step is not None:
        raise Refused("unlocks_itself")


def _refuse_levels(benefit: Benefit, before: list[str]) -> None:
    """What is given by its level keeps its place among the others."""
    if len(benefit.levels) != len(set(benefit.levels)):
        raise Refused("level_twice")
    if not benefit.pk:
        return
    given: set[str] = set()
    for places in (
        TierBenefit.objects.filter(benefit=benefit), PlanBenefit.objects.filter(benefit=benefit),
        PackBenefit.objects.filter(benefit=benefit), benefit.grants.order_by(),
    ):  # fmt: skip
        given |= set(places.exclude(level="").values_list("level", flat=True).distinct())
    if [level for level in before if level in given] != [level for level in benefit.levels if level in given]:
        raise Refused("levels_given")


def _switched(
    benefit: Benefit, is_archived: bool, action: str, actor: User | None, at: datetime, reason: str
) -> Benefit:
    benefit.is_archived = is_archived
    benefit.save(update_fields=["is_archived"])
    audit(benefit, action, actor=actor, at=at, reason=reason, code=benefit.code)
    return benefit
