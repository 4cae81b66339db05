"""Grants that somebody gives, beside what the ladder gives: top-ups, compensations, packs; and their voiding."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.benefits.models import Benefit, Pack
from entitlements.grants.models import Grant
from entitlements.grants.operations.settling import settle_members
from entitlements.grants.querysets.grants import BY_ENGINE


@transaction.atomic
def give_grant(
    *,
    member_id: int,
    benefit: Benefit,
    amount: int | None,
    source: str,
    actor: User | None,
    at: datetime,
    expires_at: datetime | None = None,
    recurs: bool = False,
    reason: str = "",
) -> Grant:
    """Give a member some of a benefit from now on, once or anew in each usage period; returns the grant.

    No amount is no limit, and all there is for an access benefit. The member is settled at once. Raises
    Refused: ``archived``, ``over`` when it would have expired already.
    """
    if benefit.is_archived:
        raise Refused("archived")
    if expires_at is not None and expires_at <= at:
        raise Refused("over")
    grant = Grant.objects.create(
        member_id=member_id, benefit=benefit, source=source, amount=amount if benefit.has_limit else None,
        recurs=recurs, anchor_at=at, effective_at=at, expires_at=expires_at, reason=reason, created_at=at,
        created_by=actor,
    )  # fmt: skip
    settle_members(member_ids=[member_id], at=at)
    audit(
        grant,
        "grant.given",
        actor=actor,
        at=at,
        reason=reason,
        benefit=benefit.code,
        amount=grant.amount,
        source=source,
    )
    return grant


@transaction.atomic
def give_pack(*, member_id: int, pack: Pack, actor: User | None, at: datetime, reason: str = "") -> list[Grant]:
    """Give a member a pack from now on for as many days as it lasts; returns the grants, one a benefit.

    A second one of the same pack is given beside the first. Raises Refused(``not_sold``).
    """
    if not pack.is_sold:
        raise Refused("not_sold")
    parts = pack.benefits.select_related("benefit").filter(benefit__is_archived=False)
    grants = Grant.objects.bulk_create(
        Grant(
            member_id=member_id, benefit=part.benefit, source=Grant.Source.PACK, source_id=pack.pk, amount=part.amount,
            level=part.level, recurs=part.recurs, anchor_at=at, effective_at=at,
            expires_at=at + timedelta(days=pack.days), reason=reason, created_at=at, created_by=actor,
        )
        for part in parts
    )  # fmt: skip
    settle_members(member_ids=[member_id], at=at)
    audit(pack, "pack.given", actor=actor, at=at, reason=reason, member_id=member_id, pack=pack.code)
    return grants


@transaction.atomic
def give_to_many(
    *,
    member_ids: Sequence[int],
    benefit: Benefit,
    source: str,
    source_id: int,
    actor: User | None,
    at: datetime,
    expires_at: datetime | None,
    reason: str,
) -> int:
    """Give some members a benefit they have or have not, from now on; returns to how many. The caller audits it.

    For a few thousand at most: they are settled at once, in the caller's transaction. Raises Refused
    (``archived``).
    """
    if benefit.is_archived:
        raise Refused("archived")
    grants = Grant.objects.bulk_create(
        Grant(
            member_id=member_id, benefit=benefit, source=source, source_id=source_id, amount=None, recurs=False,
            anchor_at=at, effective_at=at, expires_at=expires_at, reason=reason, created_at=at, created_by=actor,
        )
        for member_id in member_ids
    )  # fmt: skip
    settle_members(member_ids=member_ids, at=at)
    return len(grants)


@transaction.atomic
def void_all(*, source: str, source_id: int, at: datetime) -> int:
    """End the grants of one source, from now on; returns how many were still there. The caller audits it."""
    grants = Grant.objects.filter(source=source, source_id=source_id, voided_at__isnull=True).not_over(at)
    members = list(grants.select_for_update().order_by("pk").values_list("member_id", flat=True))
    ended = grants.update(voided_at=at, void_reason=Grant.VoidReason.SOURCE_ENDED)
    settle_members(member_ids=members, at=at)
    return ended


@transaction.atomic
def void_grant(*, grant_id: int, actor: User | None, at: datetime, reason: str) -> Grant:
    """End a grant that somebody gave, from now on: what was used of it stays used. Returns the grant.

    Raises Refused: ``by_engine`` for what the ladder gives, ``voided`` a second time.
    """
    grant = Grant.objects.select_for_update(of=("self",)).select_related("benefit").get(pk=grant_id)
    if grant.source in BY_ENGINE:
        raise Refused("by_engine")
    ended = Grant.objects.filter(pk=grant.pk).not_over(at).filter(voided_at__isnull=True)
    if not ended.update(voided_at=at, void_reason=Grant.VoidReason.HAND):
        raise Refused("voided")
    settle_members(member_ids=[grant.member_id], at=at)
    audit(grant, "grant.voided", actor=actor, at=at, reason=reason, benefit=grant.benefit.code)
    return grant
