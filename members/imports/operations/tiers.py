"""Tiers that a file names and the project lacks: made on request, never in passing."""

import unicodedata
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from config.audit.record import audit
from config.staff.models import User
from members.imports.models import ImportRun
from members.imports.operations.checks import unknown_words
from members.plans.models import Tier


@transaction.atomic
def create_missing_tiers(*, run: ImportRun, actor: User, at: datetime) -> int:
    """Create a tier for every name behind the run's ``unknown_tier`` issues; returns how many.

    They stand above the known ones in the order of their names; an admin may place them anew.
    """
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE members_tier IN SHARE ROW EXCLUSIVE MODE")
    position = Tier.objects.aggregate(top=Max("position"))["top"] or 0
    made = 0
    for name in _distinct(unknown_words(run, "unknown_tier")):
        position += 1
        tier = Tier.objects.create(code=f"tier-{position}", name=name, name_zh=name, position=position)
        audit(tier, "tier.created", actor=actor, at=at, import_run=run.pk)
        made += 1
    return made


def _distinct(names: list[str]) -> list[str]:
    """The names once each, as the check compares them."""
    seen: dict[str, str] = {}
    for name in names:
        seen.setdefault(
            unicodedata.normalize("NFKC", name).strip().lower(), unicodedata.normalize("NFKC", name).strip()
        )
    return [name for name in seen.values() if len(name) <= 80]
