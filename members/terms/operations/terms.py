"""The verbs of membership terms. Each is one transaction: the fact, its audit row, and the member caught up.

Safe to run concurrently: the member's lifecycle row is locked first, so operations on one member queue up.
The identical order again changes nothing and returns the term it made before.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import active_policy, catch_up
from members.people.models import Member
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm, MemberSignal
from members.terms.operations.queueing import Draft, MemberQueue
from members.terms.renewal_prices import agreed_price

PAID, GIFT, TRIAL, COMPENSATION, LENT = (
    MembershipTerm.Kind(k) for k in ("paid", "gift", "trial", "compensation", "lent")
)
CloseReason = MembershipTerm.CloseReason
Signal = MemberSignal.Kind


@transaction.atomic
def purchase(
    *,
    member_id: int,
    plan: Plan,
    at: datetime,
    actor: User | None,
    external_ref: str | None = None,
    price_cents: int | None = None,
    currency: str | None = None,
    auto_renewal: bool | None = None,
    is_automatic: bool = False,
    starts_at: datetime | None = None,
) -> MembershipTerm:
    """Book a paid order of ``plan`` and return its first term; no payment is ever lost, and no second of another.

    It takes its place in the queue (LIFECYCLE.md, "Terms"): a higher tier starts now and sets aside what runs, the same
    is appended, a lower one waits; without cover it starts now, or at the end of the last cover within grace or
    settlement. ``starts_at`` is what the order itself gave: not before that. ``price_cents`` is in minor units of
    ``currency`` and both default to the plan's. Raises Refused when the number belongs to another order
    (``external_ref_taken``, ``order_of_other_plan``, ``order_of_other_price``, ``order_of_other_currency``,
    ``refunded_before``) and ``beyond_calendar``.
    """
    queue = queue_of(member_id, at)
    if existing := _same_order(member_id, external_ref, plan=plan, price_cents=price_cents, currency=currency):
        return existing
    price_cents = plan.price_cents if price_cents is None else price_cents
    went_back = _went_back(external_ref)
    if went_back and price_cents <= went_back:
        raise Refused("refunded_before")
    term = queue.book(
        queue.plan_booking(draft_of(plan, PAID, dated_at=ahead(starts_at, at))),
        actor=actor,
        price_cents=price_cents,
        currency=currency or plan.currency,
        external_ref=external_ref,
        is_automatic=is_automatic,
        refunded_cents=went_back,
    )
    if auto_renewal is not None and auto_renewal != _auto_renewal(member_id, at):
        _signal(member_id, Signal.AUTO_RENEWAL_ON if auto_renewal else Signal.AUTO_RENEWAL_OFF, at, actor)
    return _done(term, at=at, actor=actor, action="term.paid")


def renew_membership(
    *,
    member_id: int,
    at: datetime,
    actor: User | None,
    plan: Plan | None = None,
    external_ref: str | None = None,
    price_cents: int | None = None,
    is_automatic: bool = False,
) -> MembershipTerm:
    """Renew the plan that the order names; else that of the paid term that ended within settlement, of the running
    term, or of the last paid one. An early renewal loses no day.

    Without ``price_cents`` it costs what was agreed with the member, else the plan's price.
    Raises Refused when there is no such term, or its plan is unknown.
    """
    if existing := _same_order(member_id, external_ref, plan=plan, price_cents=price_cents, currency=None):
        return existing
    plan = plan or renewed_plan(member_id, at)
    if price_cents is None:
        price_cents = agreed_price(member_id, plan.pk, at)
    return purchase(
        member_id=member_id,
        plan=plan,
        at=at,
        actor=actor,
        external_ref=external_ref,
        price_cents=price_cents,
        is_automatic=is_automatic,
    )


def renewed_plan(member_id: int, at: datetime) -> Plan:
    """The plan a renewal at ``at`` renews when nothing names one. Raises Refused ``nothing_to_renew``."""
    begun = MembershipTerm.objects.filter(member_id=member_id, plan__isnull=False, starts_at__lte=at).not_voided()
    begun = begun.exclude(kind=TRIAL).select_related("plan__tier").order_by("-starts_at", "-pk")
    settling = timedelta(hours=active_policy().settlement_hours)
    for found in (
        begun.paid().unrefunded().filter(ends_at__lte=at, ends_at__gt=at - settling, closed_at__isnull=True),
        begun.covering(at),
        begun.paid(),
    ):
        if term := found.first():
            return term.plan
    raise Refused("nothing_to_renew")


@transaction.atomic
def start_trial(*, member_id: int, plan: Plan, at: datetime, actor: User | None, reason: str = "") -> MembershipTerm:
    """Start the plan's trial now and return its term. One a member; another only by staff with a reason.

    Raises Refused with cover, within settlement, after a trial, or for a plan without trial days.
    """
    queue = queue_of(member_id, at)
    if plan.trial_days < 1:
        raise Refused("plan_has_no_trial")
    if queue.live:
        raise Refused("already_covered")
    if queue.renews and queue.hold and queue.hold.is_last and at < queue.hold.covered_until + queue.settlement:
        raise Refused("settling")
    has_tried = any(row.kind == TRIAL and row.voided_at is None for row in queue.rows)
    if has_tried and (actor is None or not reason.strip()):
        raise Refused("trial_used")
    draft = Draft(TRIAL, plan, plan.tier, "day", plan.trial_days)
    term = queue.book(queue.plan_booking(draft), actor=actor, currency=plan.currency)
    return _done(term, at=at, actor=actor, action="term.trial", reason=reason)


@transaction.atomic
def give_term(
    *,
    member_id: int,
    plan: Plan,
    at: datetime,
    actor: User | None,
    external_ref: str | None = None,
    starts_now: bool = False,
) -> MembershipTerm:
    """Give a term of ``plan`` free of charge: now without cover, else behind everything else that waits.

    ``starts_now`` sets aside what runs. Raises Refused ``lower_than_running`` then for a lower tier, and as
    ``purchase``.
    """
    queue = queue_of(member_id, at)
    if existing := _same_order(member_id, external_ref, plan=plan, price_cents=0, currency=None):
        return existing
    if _went_back(external_ref):
        raise Refused("refunded_before")
    if starts_now and queue.current and queue.current.tier.position > plan.tier.position:
        raise Refused("lower_than_running")
    booking = queue.plan_booking(draft_of(plan, GIFT, starts_now=starts_now))
    term = queue.book(booking, actor=actor, currency=plan.currency, external_ref=external_ref)
    return _done(term, at=at, actor=actor, action="term.gift")


@transaction.atomic
def compensate(*, member_id: int, days: int, at: datetime, actor: User | None, reason: str) -> MembershipTerm:
    """Add ``days`` (1–366) of cover behind everything the member has, or from now, in the tier that runs or ran last.

    Raises Refused without any term.
    """
    queue = queue_of(member_id, at)
    if not 1 <= days <= 366:
        raise Refused("days_out_of_range")
    own = [row for row in queue.rows if row.voided_at is None and row.kind != LENT]
    if not own:
        raise Refused("nothing_to_extend")
    running = queue.current if queue.current in own else None
    last = running or max(own, key=lambda row: row.starts_at)
    booking = queue.plan_booking(Draft(COMPENSATION, last.plan, last.tier, "day", days))
    term = queue.book(booking, actor=actor, currency=last.currency)
    return _done(term, at=at, actor=actor, action="term.compensation", reason=reason)


def refund_term(
    *, term_id: int, at: datetime, actor: User | None, reason: str, amount_cents: int | None = None
) -> MembershipTerm:
    """Give money back for the order of a term, all that is left of it without ``amount_cents``; see ``refund_orders``.

    With nothing left to give back nothing changes.
    """
    term = MembershipTerm.objects.select_related("origin").get(pk=term_id)
    first = term.origin or term
    if amount_cents is None and first.refunded_at is not None:
        return term
    amounts = {first.pk: first.price_cents - first.refunded_cents if amount_cents is None else amount_cents}
    refund_orders(member_id=term.member_id, amounts=amounts, at=at, actor=actor, reason=reason)
    return MembershipTerm.objects.select_related("plan", "tier").get(pk=term_id)


@transaction.atomic
def refund_orders(
    *, member_id: int, amounts: Mapping[int, int], at: datetime, actor: User | None, reason: str
) -> list[MembershipTerm]:
    """Give money back, ``amounts`` in minor units by the number of each order's first term; returns those.

    What brings back all that was paid ends the order from ``at`` on, and what it had set aside goes on; less moves no
    date. Automatic renewal goes off when no unrefunded paid order is left. Raises Refused: ``not_refundable``,
    ``nothing_paid``, ``more_than_paid``, and ``reason_missing`` for a full refund later than the policy's days.
    """
    queue = queue_of(member_id, at)
    firsts = [_refundable(queue, pk, cents, reason) for pk, cents in amounts.items()]
    for first in firsts:
        first.refunded_cents += amounts[first.pk]
        first.save(update_fields=["refunded_cents"])
        if first.refunded_cents == first.price_cents:
            queue.take_back(first.pk, CloseReason.REFUND, refunded_at=at)
    queue.settle(actor=actor)
    if any(first.refunded_at for first in firsts):
        _stop_renewing(queue, actor)
    for first in firsts:
        _audit(first, at, actor, "term.refunded", reason, refunded_cents=amounts[first.pk])
    _judge(member_id, at, actor)
    return firsts


@transaction.atomic
def void_term(*, term_id: int, at: datetime, actor: User | None, reason: str) -> MembershipTerm:
    """Unmake the order of a term, booked by mistake, and return the term; the order's number is free again.

    What it had set aside goes on with all the time it had left, and so does a trial that it had closed. Raises
    Refused ``reason_missing``, ``refunded_in_full`` when everything went back, and ``lent`` for lent cover.
    """
    queue, term = _queue_around(term_id, at)
    first = queue.orders[term.order_id][0]
    if not reason.strip():
        raise Refused("reason_missing")
    if term.kind == LENT:
        raise Refused("lent")
    if term.voided_at is not None:
        return term
    if first.refunded_at is not None:
        raise Refused("refunded_in_full")
    trial_seconds = queue.trial_seconds(first.pk)
    queue.take_back(first.pk, CloseReason.VOID, voided_at=at)
    if trial_seconds:
        queue.give_trial_back(trial_seconds)
    queue.settle(actor=actor)
    _stop_renewing(queue, actor)
    return _done(term, at=at, actor=actor, action="term.voided", reason=reason)


@transaction.atomic
def change_tier(*, term_id: int, tier: Tier, at: datetime, actor: User | None, reason: str) -> MembershipTerm:
    """Move what is left of a term's order to another tier without a payment; returns a term in the new tier.

    Its length and its first booking stay, and the queue is ordered anew. Raises Refused ``not_running`` when
    nothing is left, it is lent, or the tier is the same.
    """
    queue, term = _queue_around(term_id, at)
    order = term.order_id
    if order not in queue.shares or queue.orders[order][-1].tier_id == tier.pk:
        raise Refused("not_running")
    moved = queue.change_tier(order, tier, actor=actor)
    return _done(moved, at=at, actor=actor, action="term.tier_changed", reason=reason)


@transaction.atomic
def lend_cover(
    *,
    member_id: int,
    tier: Tier,
    starts_at: datetime,
    ends_at: datetime,
    at: datetime,
    actor: User | None,
    external_ref: str,
) -> MembershipTerm:
    """Lend cover of ``tier`` for ``[starts_at, ends_at)``, free of charge and of no plan; returns its first term.

    For cover that follows somebody else's. It has no time of its own: terms of the member's own of the same or a higher
    tier lie over it, lower ones wait until it ends. Raises Refused ``no_time_left``.
    """
    queue = queue_of(member_id, at)
    if existing := MembershipTerm.objects.orders().filter(external_ref=external_ref, voided_at=None).first():
        if existing.member_id != member_id:
            raise Refused("external_ref_taken")
        return existing
    if starts_at >= ends_at or ends_at <= at:
        raise Refused("no_time_left")
    term = queue.lend(tier, starts_at, ends_at, external_ref=external_ref, actor=actor)
    return _done(term, at=at, actor=actor, action="term.lent")


@transaction.atomic
def end_cover(*, term_id: int, at: datetime, actor: User | None, reason: str) -> MembershipTerm:
    """Cut lent cover short at ``at``; what the member had until then stays. Changes nothing when it is over.

    Raises Refused ``not_lent`` for a term that was bought, tried or given.
    """
    queue, term = _queue_around(term_id, at)
    if term.kind != LENT:
        raise Refused("not_lent")
    first = queue.orders[term.order_id][0]
    if first.lent_until is None or first.lent_until <= at:
        return term
    queue.end_lent(first, actor=actor)
    return _done(term, at=at, actor=actor, action="term.lent_ended", reason=reason)


@transaction.atomic
def switch_auto_renewal(*, member_id: int, on: bool, at: datetime, actor: User | None) -> bool:
    """Set auto-renewal; returns whether it changed."""
    _lock(member_id)
    if _auto_renewal(member_id, at) == on:
        return False
    _signal(member_id, Signal.AUTO_RENEWAL_ON if on else Signal.AUTO_RENEWAL_OFF, at, actor)
    _settle(member_id, at=at, actor=actor, action="auto_renewal.on" if on else "auto_renewal.off")
    return True


@transaction.atomic
def record_renewal_failure(*, member_id: int, at: datetime, actor: User | None) -> bool:
    """An automatic renewal was declined: auto-renewal goes off; returns whether it was on."""
    _lock(member_id)
    if not _auto_renewal(member_id, at):
        return False
    _signal(member_id, Signal.RENEWAL_FAILED, at, actor)
    _settle(member_id, at=at, actor=actor, action="auto_renewal.failed")
    return True


def queue_of(member_id: int, at: datetime) -> MemberQueue:
    """The member's queue at ``at``, locked until the transaction ends."""
    life = _lock(member_id)
    policy = active_policy()
    return MemberQueue(
        life,
        at,
        grace_days=policy.grace_days,
        settlement=timedelta(hours=policy.settlement_hours),
        renews=_auto_renewal(member_id, at),
    )


def _queue_around(term_id: int, at: datetime) -> tuple[MemberQueue, MembershipTerm]:
    member_id = MembershipTerm.objects.values_list("member_id", flat=True).get(pk=term_id)
    queue = queue_of(member_id, at)
    term = next((row for row in queue.rows if row.pk == term_id), None)
    if term is None:
        raise Refused("member_merged")
    return queue, term


def _lock(member_id: int) -> MemberLifecycle:
    try:
        return MemberLifecycle.objects.select_for_update().get(member_id=member_id)
    except MemberLifecycle.DoesNotExist:
        # Merged into another member between the page and the button.
        raise Refused("member_merged") from None


def draft_of(plan: Plan, kind: str, *, dated_at: datetime | None = None, starts_now: bool = False) -> Draft:
    """A plan about to be booked."""
    return Draft(kind, plan, plan.tier, plan.duration_unit, plan.duration_count, dated_at, starts_now)


def ahead(starts_at: datetime | None, at: datetime) -> datetime | None:
    """The start that an order gave, when it is still to come."""
    return starts_at if starts_at is not None and starts_at > at else None


def _same_order(
    member_id: int, external_ref: str | None, *, plan: Plan | None, price_cents: int | None, currency: str | None
) -> MembershipTerm | None:
    """The order booked under the number before. What the caller does not name is not compared."""
    if not external_ref:
        return None
    order = MembershipTerm.objects.orders().not_voided().filter(external_ref=external_ref).first()
    if order is None:
        return None
    if order.member_id != member_id:
        raise Refused("external_ref_taken")
    if plan is not None and order.plan_id != plan.pk:
        raise Refused("order_of_other_plan")
    if currency is not None and order.currency != currency:
        raise Refused("order_of_other_currency")
    if price_cents is not None and order.price_cents != price_cents:
        raise Refused("order_of_other_price")
    return order


def _went_back(external_ref: str | None) -> int:
    """What was refunded under an order number whose bookings were voided."""
    if not external_ref:
        return 0
    voided = MembershipTerm.objects.orders().filter(external_ref=external_ref, voided_at__isnull=False)
    return max(voided.values_list("refunded_cents", flat=True), default=0)


def _refundable(queue: MemberQueue, pk: int, cents: int, reason: str) -> MembershipTerm:
    first = queue.orders[pk][0] if pk in queue.orders else None
    if first is None or first.kind != PAID or first.voided_at is not None:
        raise Refused("not_refundable")
    if first.price_cents <= 0:
        raise Refused("nothing_paid")
    if not 0 < cents <= first.price_cents - first.refunded_cents:
        raise Refused("more_than_paid")
    is_full = first.refunded_cents + cents == first.price_cents
    if is_full and is_late(first, queue.at) and not reason.strip():
        raise Refused("reason_missing")
    return first


def is_late(first: MembershipTerm, at: datetime) -> bool:
    """Whether a full refund of the order at ``at`` asks for a reason and counts with the member."""
    return at - first.booked_at > timedelta(days=active_policy().refund_days)


def late_refunds(member_id: int) -> int:
    """How many of the member's orders were refunded in full later than the policy's days after they were booked."""
    late = F("booked_at") + timedelta(days=active_policy().refund_days)
    return MembershipTerm.objects.orders().filter(member_id=member_id, refunded_at__gt=late).count()


def _stop_renewing(queue: MemberQueue, actor: User | None) -> None:
    if queue.renews and not queue.has_paid():
        _signal(queue.life.member_id, Signal.AUTO_RENEWAL_OFF, queue.at, actor)


def _auto_renewal(member_id: int, at: datetime) -> bool:
    latest = (
        MemberSignal.objects.filter(member_id=member_id, at__lte=at)
        .exclude(kind=Signal.UNINSTALLED)
        .order_by("-at", "-pk")
        .values_list("kind", flat=True)
        .first()
    )
    return latest == Signal.AUTO_RENEWAL_ON


def _signal(member_id: int, kind: str, at: datetime, actor: User | None) -> None:
    MemberSignal.objects.create(member_id=member_id, kind=kind, at=at, recorded_by=actor)


def _done(term: MembershipTerm, *, at: datetime, actor: User | None, action: str, reason: str = "") -> MembershipTerm:
    _audit(term, at, actor, action, reason)
    _judge(term.member_id, at, actor)
    return term


def _audit(term: MembershipTerm, at: datetime, actor: User | None, action: str, reason: str, **data: int) -> None:
    plan = term.plan.code if term.plan else None
    audit(
        Member(pk=term.member_id),
        action,
        actor=actor,
        at=at,
        reason=reason,
        term=term.pk,
        plan=plan,
        price_cents=term.price_cents,
        **data,
    )


def _settle(member_id: int, *, at: datetime, actor: User | None, action: str) -> None:
    """Audit the fact and let the engine judge the member at once."""
    audit(Member(pk=member_id), action, actor=actor, at=at)
    _judge(member_id, at, actor)


def _judge(member_id: int, at: datetime, actor: User | None) -> None:
    MemberLifecycle.objects.filter(pk=member_id).mark_due(at)
    catch_up(member_ids=[member_id], at=at, actor=actor)
