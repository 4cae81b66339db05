"""The invariants of benefits looked at, and what offends them kept for people to see."""

from datetime import datetime

from django.conf import settings
from django.db import transaction

from entitlements.checks.models import Offence
from entitlements.grants.querysets.invariants import Finding, offences


def find_offences() -> list[Finding]:
    """The invariants that do not hold now; empty is good. Reads everything, writes nothing."""
    return offences(settings.PROJECT_TIME_ZONE)


def check_invariants(*, at: datetime) -> int:
    """Look at every invariant and keep what offends it; returns how many do not hold. Twice at once does no harm."""
    found = find_offences()
    with transaction.atomic():
        Offence.objects.exclude(code__in=[finding.check.code for finding in found]).delete()
        for finding in found:
            values = {"count": finding.count, "rows": [list(row) for row in finding.rows], "checked_at": at}
            Offence.objects.update_or_create(
                code=finding.check.code, defaults=values, create_defaults=values | {"found_at": at}
            )
    return len(found)
