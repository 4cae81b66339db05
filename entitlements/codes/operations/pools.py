"""Pools of partner codes: made, filled, handed out. A code leaves here by a claim or an audited look."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.codes.models import CodePool, PartnerCode
from members.people.models import Member

FIELDS = ("code", "partner", "name", "name_zh", "worth_cents", "low_stock", "is_open")
MAX_CODE = 200


@transaction.atomic
def save_pool(*, actor: User | None, at: datetime, pool_id: int | None = None, **values: Any) -> CodePool:
    """Make a pool, or change the one with ``pool_id``."""
    if unknown := set(values) - set(FIELDS):
        raise TypeError(f"not a field of a pool: {', '.join(sorted(unknown))}")
    pool = (
        CodePool.objects.select_for_update().get(pk=pool_id) if pool_id else CodePool(created_at=at, created_by=actor)
    )
    for name, value in values.items():
        setattr(pool, name, value)
    pool.save()
    audit(pool, "code_pool.saved", actor=actor, at=at, created=not pool_id, is_open=pool.is_open)
    return pool


@transaction.atomic
def take_in(*, pool_id: int, codes: Iterable[str], actor: User | None, at: datetime) -> tuple[int, int]:
    """Add codes to a pool; returns how many are new, and how many were there already or repeated."""
    pool = CodePool.objects.get(pk=pool_id)
    offered = [code[:MAX_CODE] for code in codes]
    new = PartnerCode.objects.take_in(pool_id=pool_id, codes=offered, at=at)
    audit(pool, "code_pool.filled", actor=actor, at=at, codes=new)
    return new, len(offered) - new


@transaction.atomic
def claim_code(*, pool_id: int, member_id: int, actor: User | None, at: datetime) -> PartnerCode:
    """Hand a member her code of a pool; the one she has, when she has one. Raises Refused.

    Safe to run concurrently: claimers pass over codes that others are taking, and nobody gets two.
    """
    pool = CodePool.objects.get(pk=pool_id)
    own = PartnerCode.objects.filter(pool=pool, member_id=member_id)
    if had := own.first():
        return had
    if not pool.is_open:
        raise Refused("closed")
    if not Member.objects.filter(pk=member_id).exists():
        raise Refused("member_gone")
    try:
        with transaction.atomic():
            code_id = PartnerCode.objects.claim_next(pool_id=pool_id, member_id=member_id, at=at)
    except IntegrityError:
        # She claimed twice at once: the other claim got through.
        return own.get()
    if code_id is None:
        raise Refused("none_left")
    audit(pool, "code_pool.claimed", actor=actor, at=at, member_id=member_id, code=code_id)
    return PartnerCode.objects.get(pk=code_id)


@transaction.atomic
def reveal_code(*, code_id: int, actor: User, at: datetime) -> str:
    """A code in full; audits who looked, never the code."""
    found = PartnerCode.objects.select_related("pool").get(pk=code_id)
    audit(found.pool, "code_pool.revealed", actor=actor, at=at, member_id=found.member_id, code=code_id)
    return found.code
