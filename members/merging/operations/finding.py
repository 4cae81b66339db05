"""Looking for members who may be one person, and deciding that two are not."""

from datetime import datetime

from django.db import transaction

from config.audit.record import audit
from config.staff.models import User
from members.merging.models import DuplicatePair
from members.merging.querysets.finding import REASONS, find_pairs
from members.segments.limits import TooSlow, limited

# Over everybody; a reason that takes longer is left for the next night and does not hold up the others.
SECONDS = 300


def find_duplicates(*, at: datetime) -> int:
    """Look through all members once per reason; returns how many pairs are new or have a new reason.

    Each reason is a transaction of its own. Safe to run concurrently with itself: a pair is one row.
    """
    found = 0
    for reason in REASONS:
        try:
            with limited(SECONDS):
                found += find_pairs(reason, at=at)
        except TooSlow:
            continue
    return found


@transaction.atomic
def dismiss_pair(*, pair_id: int, actor: User, at: datetime) -> bool:
    """Say that the two are not the same person; returns False when somebody decided before.

    The pair comes back only for a reason it does not have yet.
    """
    open_pair = DuplicatePair.objects.filter(pk=pair_id, dismissed_at__isnull=True, merge__isnull=True)
    if not open_pair.update(dismissed_at=at, dismissed_by=actor):
        return False
    _audit_both("pair.dismissed", pair_id, actor, at)
    return True


@transaction.atomic
def reopen_pair(*, pair_id: int, actor: User, at: datetime) -> bool:
    """Take a dismissal back; returns False when there was none."""
    dismissed = DuplicatePair.objects.filter(pk=pair_id, dismissed_at__isnull=False, merge__isnull=True)
    if not dismissed.update(dismissed_at=None, dismissed_by=None):
        return False
    _audit_both("pair.reopened", pair_id, actor, at)
    return True


def _audit_both(action: str, pair_id: int, actor: User, at: datetime) -> None:
    pair = DuplicatePair.objects.get(pk=pair_id)
    for member_id in (pair.member_a_id, pair.member_b_id):
        audit(pair, action, actor=actor, at=at, member_id=member_id, reasons=pair.reasons)
