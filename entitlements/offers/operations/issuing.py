"""Coupons are issued to one member or to a segment, taken back, and expire."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.offers import rules
from entitlements.offers.lifecycle import REVOKE, OfferStatus
from entitlements.offers.models import Coupon, IssueRun, Offer, OfferBudget
from entitlements.offers.querysets import expected, next_batch
from entitlements.offers.selling import sold_plans
from members.segments.models import Segment

# Members in one statement and transaction; progress is told between them.
BATCH = 10_000
_HAS_ROOM = Q(max_coupons__isnull=True) | Q(issued__lt=F("max_coupons") + F("revoked"))
_HAS_MONEY = Q(budget_cents__isnull=True) | Q(spent_cents__lt=F("budget_cents"))


@transaction.atomic
def issue_coupon(
    *,
    offer_id: int,
    member_id: int,
    at: datetime,
    actor: User | None,
    source: str = Coupon.Source.MANUAL,
    reason: str = "",
) -> Coupon:
    """Issue one coupon to a member and return it; she may have as many as the offer says, revoked ones not counted.

    Raises Refused: ``not_active``, ``budget_spent``, ``no_room``, ``has_enough``, ``member_gone``. Safe to run
    concurrently: who issues holds the offer's budget.
    """
    offer = Offer.objects.issuable(at).filter(pk=offer_id).first()
    if offer is None:
        raise Refused("not_active")
    budget = OfferBudget.objects.filter(pk=offer_id)
    if not budget.filter(_HAS_ROOM & _HAS_MONEY).update(issued=F("issued") + 1):
        raise Refused("no_room" if budget.filter(_HAS_MONEY).exists() else "budget_spent")
    had = Coupon.objects.filter(offer=offer, member_id=member_id).exclude(status="revoked").count()
    if had >= offer.per_member:
        raise Refused("has_enough")
    params = _params(offer, at, actor, source) | {"member": member_id, "run": None}
    coupon_id = Coupon.objects.issue_one(params)
    if coupon_id is None:
        raise Refused("member_gone")
    coupon = Coupon.objects.get(pk=coupon_id)
    audit(coupon, "coupon.issued", actor=actor, at=at, reason=reason, offer=offer.code, source=source)
    return coupon


def preview(*, offer: Offer, segment: Segment) -> dict[str, int]:
    """How many of a segment get a coupon, have had one, and what the coupons cost at most."""
    members, fresh = expected(segment_id=segment.pk, offer_id=offer.pk)
    room = offer.budget.room
    gets = fresh if room is None else min(fresh, room)
    most = gets * rules.most_off(_held(offer), sold_plans())
    left = offer.budget.left_cents
    return {
        "members": members, "gets": gets, "has": members - fresh, "over": fresh - gets,
        "most_cents": most if left is None else min(most, left),
    }  # fmt: skip


@transaction.atomic
def issue_to_segment(*, offer_id: int, segment_id: int, actor: User | None, at: datetime) -> IssueRun:
    """Begin to issue an offer to everybody in a segment who never had one of it; returns the run.

    The caller wakes ``work_run``. Raises Refused: ``not_active``, ``running`` while another run of the offer is.
    """
    offer = Offer.objects.issuable(at).select_related("budget").filter(pk=offer_id).first()
    if offer is None:
        raise Refused("not_active")
    segment = Segment.objects.live().get(pk=segment_id)
    gets = preview(offer=offer, segment=segment)["gets"]
    try:
        with transaction.atomic():
            run = IssueRun.objects.create(
                offer=offer, segment=segment, expected=gets, created_at=at, created_by=actor
            )  # fmt: skip
    except IntegrityError:
        raise Refused("running") from None
    audit(run, "offer.run_started", actor=actor, at=at, offer=offer.code, segment=segment_id, expected=gets)
    return run


def work_run(*, run_id: int, at: datetime) -> int:
    """Issue all of a run that is left; returns how many. Again, or twice at once, does no harm."""
    issued = 0
    while (n := _issue_next(run_id, at)) is not None:
        issued += n
    return issued


def work_waiting(*, at: datetime) -> int:
    """Go on with the runs whose worker died or was never woken; returns how many coupons they issued."""
    running = list(IssueRun.objects.running().order_by("pk").values_list("pk", flat=True))
    return sum(work_run(run_id=run_id, at=at) for run_id in running)


@transaction.atomic
def stop_run(*, run_id: int, actor: User | None, at: datetime) -> bool:
    """Stop a run where it is; returns whether it ran. Coupons that are out stay."""
    run = IssueRun.objects.running().select_for_update().filter(pk=run_id).first()
    if run is None:
        return False
    _finish(run, IssueRun.Status.STOPPED, at, "by_hand", actor)
    return True


@transaction.atomic
def revoke_coupon(*, coupon_id: int, actor: User | None, at: datetime, reason: str) -> Coupon:
    """Take an unused coupon back. Raises Refused when it is not unused any more."""
    if not Coupon.objects.filter(pk=coupon_id).apply(REVOKE, finished_at=at):
        raise Refused("not_unused")
    coupon = Coupon.objects.select_related("offer").get(pk=coupon_id)
    OfferBudget.objects.filter(pk=coupon.offer_id).update(revoked=F("revoked") + 1)
    audit(coupon, "coupon.revoked", actor=actor, at=at, reason=reason, offer=coupon.offer.code)
    return coupon


def expire_due(*, at: datetime) -> int:
    """Expire every coupon whose time is over; returns how many. Each batch is a transaction of its own."""
    total = 0
    while n := Coupon.objects.expire_due(at, BATCH):
        total += n
    return total


@transaction.atomic
def give_back_refunded(*, at: datetime) -> int:
    """Give back the coupons of terms refunded since, where the offer says so; returns how many."""
    found = Coupon.objects.give_back_refunded(at, BATCH)
    for back in found:
        audit(
            Coupon(pk=back.coupon_id, member_id=back.member_id),
            "coupon.given_back",
            actor=None,
            at=at,
            offer=back.offer_id,
        )
    return len(found)


def count_again(*, offer_ids: set[int]) -> None:
    """Bring the counts of these offers in line with their coupons, as after members were merged."""
    for offer_id in sorted(offer_ids):
        with transaction.atomic():
            budget = OfferBudget.objects.select_for_update().filter(pk=offer_id)
            budget.get()
            budget.update(**Coupon.objects.filter(offer_id=offer_id).counters())


@transaction.atomic
def _issue_next(run_id: int, at: datetime) -> int | None:
    """One batch of a run; None when there is no more to do."""
    run = IssueRun.objects.running().select_for_update(skip_locked=True).filter(pk=run_id).first()
    if run is None:
        return None
    offer = Offer.objects.get(pk=run.offer_id)
    budget = OfferBudget.objects.select_for_update().get(pk=offer.pk)
    stop = _why_stop(offer, budget, at)
    limit = BATCH if budget.room is None else min(BATCH, max(budget.room, 1))
    found, upto = next_batch(segment_id=run.segment_id, offer_id=offer.pk, after=run.last_member_id, limit=limit)
    if not found or stop:
        _finish(run, IssueRun.Status.STOPPED if found else IssueRun.Status.DONE, at, stop if found else "")
        return None
    params = _params(offer, at, run.created_by, Coupon.Source.SEGMENT)
    n = Coupon.objects.issue_batch(
        params | {"run": run.pk, "segment": run.segment_id, "after": run.last_member_id, "upto": upto}
    )
    OfferBudget.objects.filter(pk=offer.pk).update(issued=F("issued") + n)
    IssueRun.objects.filter(pk=run.pk).update(issued=F("issued") + n, last_member_id=upto)
    return n


def _why_stop(offer: Offer, budget: OfferBudget, at: datetime) -> str:
    if offer.status != OfferStatus.ACTIVE or (offer.valid_until and offer.valid_until <= at):
        return "not_active"
    if budget.left_cents == 0:
        return "budget_spent"
    return "no_room" if budget.room == 0 else ""


def _finish(run: IssueRun, status: str, at: datetime, why: str, actor: User | None = None) -> None:
    run.status, run.stop_reason, run.finished_at = status, why, at
    run.save(update_fields=["status", "stop_reason", "finished_at"])
    audit(run, f"offer.run_{status}", actor=actor, at=at, offer=run.offer.code, issued=run.issued, why=why)


def _held(offer: Offer) -> rules.Terms:
    """The terms a coupon issued now holds: a price lock takes the prices as they are."""
    terms = offer.promise
    if terms.kind != rules.PRICE_LOCK:
        return terms
    prices = {
        str(sold.plan): sold.price_cents if terms.price_cents is None else min(terms.price_cents, sold.price_cents)
        for sold in sold_plans()
        if (not terms.plans or sold.plan in terms.plans) and (not terms.tiers or sold.tier in terms.tiers)
    }
    return replace(terms, locked=prices)


def _params(offer: Offer, at: datetime, actor: User | None, source: str) -> dict[str, Any]:
    return {
        "offer": offer.pk, "at": at, "actor": actor.pk if actor else None, "source": source, "until": offer.valid_until,
        "days": offer.valid_days, "valid_from": offer.valid_from, "version": offer.version,
        "prefix": f"{offer.code_prefix.upper()}-" if offer.code_prefix else "",
        "returnable": offer.is_returned_on_refund, "terms": json.dumps(_held(offer).written()),
    }  # fmt: skip
