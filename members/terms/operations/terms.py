"""The verbs of membership terms. Each is one transaction: the fact, its audit row, and the member caught up.

Safe to run concurrently: the member's lifecycle row is locked first, so operations on one member queue up.
A repeated ``external_ref`` changes nothing and returns the term it made before.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from config.audit.record import audit
from config.engine.money import project_currency
from config.engine.refusal import Refused
from config.staff.models import User
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import active_policy, catch_up
from members.people.models import Member
from members.people.rules import local_date, shift_local
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm, MemberSignal
from members.terms.renewal_prices import agreed_price
from members.terms.rules import add_duration, add_months, pro_rata_days

PAID, GIFT, TRIAL, COMPENSATION = (MembershipTerm.Kind(k) for k in ("paid", "gift", "trial", "compensation"))
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
    kind: str = PAID,
    auto_renewal: bool | None = None,
) -> MembershipTerm:
    """Book a paid (or gift) term of ``plan`` and return it; no payment is ever lost to a constraint.

    With no cover it starts now, or at the old expiry within grace or settlement. A trial is closed and its unused
    days added. The same tier is appended; another tier follows ``plan.switch_policy``. ``price_cents`` is in minor
    units and defaults to the plan's price. Raises Refused when ``external_ref`` belongs to another member.
    """
    row = _lock(member_id)
    if existing := _same_ref(member_id, external_ref):
        return existing
    queue = list(MembershipTerm.objects.filter(member_id=member_id).open_or_upcoming(at))
    price = plan.price_cents if price_cents is None else price_cents
    extra_days, starts_at, previous = 0, at, None
    if not queue:
        previous = _lapsed_within_reach(row, at)
        starts_at = previous.effective_ends_at if previous else at
    elif len(queue) == 1 and queue[0].kind == TRIAL and queue[0].starts_at <= at:
        extra_days = _unused_days(queue[0], at, _zone(row))
        _close(queue[0], at, MembershipTerm.CloseReason.CONVERTED)
    elif kind == PAID and _switches(queue, plan):
        extra_days = sum(_worth_in_days(term, at, plan, price) for term in queue)
        for term in queue:
            _close(term, at, MembershipTerm.CloseReason.SWITCHED)
    else:
        previous = queue[-1]
        starts_at = previous.ends_at
    term = _book(
        row, plan=plan, tier=plan.tier, kind=kind, starts_at=starts_at, previous=previous, extra_days=extra_days,
        at=at, actor=actor, external_ref=external_ref, price_cents=0 if kind == GIFT else price,
    )  # fmt: skip
    if auto_renewal is not None and auto_renewal != _auto_renewal(member_id, at):
        _signal(member_id, Signal.AUTO_RENEWAL_ON if auto_renewal else Signal.AUTO_RENEWAL_OFF, at, actor)
    return _done(term, at=at, actor=actor, action=f"term.{kind}")


def plan_to_renew(member_id: int) -> Plan | None:
    """The plan of the member's last paid, gift or compensation term, where it is known."""
    last = (
        MembershipTerm.objects.filter(member_id=member_id, plan__isnull=False)
        .exclude(kind=TRIAL)
        .not_voided()
        .select_related("plan__tier")
        .order_by("-starts_at")
        .first()
    )
    return last.plan if last else None


def renew_membership(
    *, member_id: int, at: datetime, actor: User | None, external_ref: str | None = None, price_cents: int | None = None
) -> MembershipTerm:
    """Renew with the plan of the last paid, gift or compensation term; an early renewal loses no day.

    Without ``price_cents`` it costs what was agreed with the member, else the plan's price.
    Raises Refused when there is no such term, or its plan is unknown.
    """
    plan = plan_to_renew(member_id)
    if plan is None:
        raise Refused("nothing_to_renew")
    if price_cents is None:
        price_cents = agreed_price(member_id, plan.pk, at)
    return purchase(
        member_id=member_id, plan=plan, at=at, actor=actor, external_ref=external_ref, price_cents=price_cents
    )


@transaction.atomic
def start_trial(*, member_id: int, plan: Plan, at: datetime, actor: User | None) -> MembershipTerm:
    """Start the plan's trial now and return its term. Raises Refused with cover, or a plan without trial days."""
    row = _lock(member_id)
    if plan.trial_days < 1:
        raise Refused("plan_has_no_trial")
    if MembershipTerm.objects.filter(member_id=member_id).open_or_upcoming(at).exists():
        raise Refused("already_covered")
    term = _book(row, plan=plan, tier=plan.tier, kind=TRIAL, starts_at=at, days=plan.trial_days, at=at, actor=actor)
    return _done(term, at=at, actor=actor, action="term.trial")


def give_term(
    *, member_id: int, plan: Plan, at: datetime, actor: User | None, external_ref: str | None = None
) -> MembershipTerm:
    """Give a term of ``plan`` free of charge; behind what she already has, whatever the tier."""
    return purchase(
        member_id=member_id, plan=plan, at=at, actor=actor, external_ref=external_ref, price_cents=0, kind=GIFT
    )


@transaction.atomic
def compensate(*, member_id: int, days: int, at: datetime, actor: User | None, reason: str) -> MembershipTerm:
    """Add ``days`` (1–366) of cover behind the member's last term, or from now. Raises Refused without any term."""
    row = _lock(member_id)
    if not 1 <= days <= 366:
        raise Refused("days_out_of_range")
    last = MembershipTerm.objects.filter(member_id=member_id).not_voided().order_by("-starts_at").first()
    if last is None:
        raise Refused("nothing_to_extend")
    live = last.effective_ends_at > at
    term = _book(
        row, plan=last.plan, tier=last.tier, kind=COMPENSATION, starts_at=last.ends_at if live else at, days=days,
        at=at, actor=actor,
    )  # fmt: skip
    return _done(term, at=at, actor=actor, action="term.compensation", reason=reason)


@transaction.atomic
def refund_term(*, term_id: int, at: datetime, actor: User | None, reason: str) -> MembershipTerm:
    """Close a paid term as refunded from ``at`` and switch auto-renewal off. A second refund changes nothing."""
    term = _locked_term(term_id)
    if term.close_reason == MembershipTerm.CloseReason.REFUND:
        return term
    if term.kind != PAID or term.close_reason:
        raise Refused("not_refundable")
    _close(term, at, MembershipTerm.CloseReason.REFUND)
    if _auto_renewal(term.member_id, at):
        _signal(term.member_id, Signal.AUTO_RENEWAL_OFF, at, actor)
    return _done(term, at=at, actor=actor, action="term.refunded", reason=reason)


@transaction.atomic
def void_term(*, term_id: int, at: datetime, actor: User | None, reason: str) -> MembershipTerm:
    """Unmake a term booked by mistake; with every term voided the member is a prospect again. Needs a reason."""
    term = _locked_term(term_id)
    if not reason.strip():
        raise Refused("reason_missing")
    if term.close_reason == MembershipTerm.CloseReason.VOID:
        return term
    _close(term, at, MembershipTerm.CloseReason.VOID)
    return _done(term, at=at, actor=actor, action="term.voided", reason=reason)


@transaction.atomic
def change_tier(*, term_id: int, tier: Tier, at: datetime, actor: User | None, reason: str) -> MembershipTerm:
    """Move the rest of a running term to another tier without a payment; returns the new term."""
    term = _locked_term(term_id)
    if not term.starts_at < at < term.effective_ends_at or term.tier_id == tier.pk:
        raise Refused("not_running")
    _close(term, at, MembershipTerm.CloseReason.SWITCHED)
    moved = MembershipTerm.objects.create(
        member_id=term.member_id, plan=term.plan, tier=tier, kind=term.kind, starts_at=at, ends_at=term.ends_at,
        currency=term.currency, anchor_on=term.anchor_on, anchor_months=term.anchor_months, booked_at=at,
        recorded_by=actor,
    )  # fmt: skip
    return _done(moved, at=at, actor=actor, action="term.tier_changed", reason=reason)


@transaction.atomic
def lend_cover(
    *, member_id: int, tier: Tier, starts_at: datetime, ends_at: datetime, at: datetime, actor: User | None,
    external_ref: str,
) -> MembershipTerm:  # fmt: skip
    """Give cover of ``tier`` for ``[starts_at, ends_at)`` free of charge and of no plan; returns the term.

    For cover that follows somebody else's. A running trial is closed, and the cover begins now at the earliest then.
    Raises Refused ``already_covered`` when a term of her own lies in that time, ``no_time_left`` without any.
    """
    row = _lock(member_id)
    if existing := _same_ref(member_id, external_ref):
        return existing
    for term in MembershipTerm.objects.filter(member_id=member_id).open_or_upcoming(at).filter(starts_at__lt=ends_at):
        if term.kind == TRIAL and term.starts_at <= at:
            _close(term, at, MembershipTerm.CloseReason.CONVERTED)
            starts_at = max(starts_at, at)
    if starts_at >= ends_at:
        raise Refused("no_time_left")
    if MembershipTerm.objects.filter(member_id=member_id, period__overlap=(starts_at, ends_at)).exists():
        raise Refused("already_covered")
    term = MembershipTerm.objects.create(
        member_id=member_id, tier=tier, kind=GIFT, starts_at=starts_at, ends_at=ends_at,
        currency=project_currency(), external_ref=external_ref, anchor_on=local_date(starts_at, _zone(row)),
        booked_at=at, recorded_by=actor,
    )  # fmt: skip
    return _done(term, at=at, actor=actor, action="term.lent")


@transaction.atomic
def end_cover(*, term_id: int, at: datetime, actor: User | None, reason: str) -> MembershipTerm:
    """Cut a lent term short at ``at``; what she had until then stays. Changes nothing when it is over.

    Raises Refused ``not_lent`` for a term that was bought, tried or given with a plan.
    """
    term = _locked_term(term_id)
    if term.kind != GIFT or term.plan_id is not None:
        raise Refused("not_lent")
    if term.close_reason or term.ends_at <= at:
        return term
    _close(term, at, MembershipTerm.CloseReason.FOLLOWED)
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


def _zone(row: MemberLifecycle) -> str:
    return row.time_zone or settings.PROJECT_TIME_ZONE


def _lock(member_id: int) -> MemberLifecycle:
    try:
        return MemberLifecycle.objects.select_for_update().get(member_id=member_id)
    except MemberLifecycle.DoesNotExist:
        # Merged into another member between the page and the button.
        raise Refused("member_merged") from None


def _locked_term(term_id: int) -> MembershipTerm:
    member_id = MembershipTerm.objects.values_list("member_id", flat=True).get(pk=term_id)
    _lock(member_id)
    term = MembershipTerm.objects.select_related("plan", "tier").get(pk=term_id)
    if term.member_id != member_id:
        raise Refused("member_merged")
    return term


def _same_ref(member_id: int, external_ref: str | None) -> MembershipTerm | None:
    if not external_ref:
        return None
    term = MembershipTerm.objects.filter(external_ref=external_ref).first()
    if term and term.member_id != member_id:
        raise Refused("external_ref_taken")
    return term


def _lapsed_within_reach(row: MemberLifecycle, at: datetime) -> MembershipTerm | None:
    """The unrefunded paid term that ended so lately that a renewal still joins on to it."""
    policy = active_policy()
    last = (
        MembershipTerm.objects.filter(member_id=row.member_id, ends_at__lte=at, starts_at__lt=at)
        .select_related("plan", "tier")
        .not_voided()
        .order_by("-starts_at")
        .first()
    )
    if last is None or last.kind == TRIAL or last.close_reason:
        return None
    held = last.held_until(_zone(row), policy_days=policy.grace_days)
    return last if at < max(held, last.ends_at + timedelta(hours=policy.settlement_hours)) else None


def _switches(queue: Sequence[MembershipTerm], plan: Plan) -> bool:
    """Whether buying ``plan`` ends the terms held. Terms paid in another currency stand: they cannot be weighed."""
    is_asked = queue[0].tier_id != plan.tier_id and plan.switch_policy == Plan.SwitchPolicy.IMMEDIATE
    return is_asked and all(term.currency == plan.currency for term in queue if term.price_cents)


def _unused_days(term: MembershipTerm, at: datetime, zone: str) -> int:
    return max((local_date(term.ends_at, zone) - local_date(at, zone)).days, 0)


def _worth_in_days(term: MembershipTerm, at: datetime, plan: Plan, price: int) -> int:
    day = timedelta(days=1)
    nominal = add_duration(term.anchor_on, plan.duration_unit, plan.duration_count) - term.anchor_on
    return pro_rata_days(
        (term.ends_at - max(at, term.starts_at)) / day,
        term.price_cents,
        (term.ends_at - term.starts_at) / day,
        price,
        nominal.days,
    )


def _book(
    row: MemberLifecycle,
    *,
    plan: Plan | None,
    tier: Tier,
    kind: str,
    starts_at: datetime,
    at: datetime,
    actor: User | None,
    previous: MembershipTerm | None = None,
    days: int | None = None,
    extra_days: int = 0,
    external_ref: str | None = None,
    price_cents: int = 0,
) -> MembershipTerm:
    """Write the term: ``days`` long, or the plan's duration counted from the chain's anchor."""
    zone = _zone(row)
    start_on = local_date(starts_at, zone)
    anchor_on, months = start_on + timedelta(days=extra_days), 0
    if days is not None:
        anchor_on = ends_on = start_on + timedelta(days=days)
    elif plan is None:
        raise ValueError("a term needs a plan or a length")
    elif plan.duration_unit in ("day", "week"):
        anchor_on = ends_on = add_duration(anchor_on, plan.duration_unit, plan.duration_count)
    else:
        if previous and previous.anchor_months and not extra_days:
            anchor_on, months = previous.anchor_on, previous.anchor_months
        months += plan.duration_count * (12 if plan.duration_unit == "year" else 1)
        ends_on = add_months(anchor_on, months)
    return MembershipTerm.objects.create(
        member_id=row.member_id, plan=plan, tier=tier, kind=kind, starts_at=starts_at,
        ends_at=shift_local(starts_at, ends_on, zone), price_cents=price_cents,
        currency=plan.currency if plan else project_currency(), external_ref=external_ref or None,
        anchor_on=anchor_on, anchor_months=months, booked_at=at, recorded_by=actor,
    )  # fmt: skip


def _close(term: MembershipTerm, at: datetime, reason: str) -> None:
    term.closed_at, term.close_reason = at, reason
    term.save(update_fields=["closed_at", "close_reason"])


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
    _settle(
        term.member_id, at=at, actor=actor, action=action, reason=reason,
        data={"term": term.pk, "plan": term.plan.code if term.plan else None, "price_cents": term.price_cents},
    )  # fmt: skip
    return term


def _settle(
    member_id: int, *, at: datetime, actor: User | None, action: str, reason: str = "", data: dict | None = None
) -> None:
    """Audit the fact and let the engine judge the member at once."""
    audit(Member(pk=member_id), action, actor=actor, at=at, reason=reason, **(data or {}))
    MemberLifecycle.objects.filter(pk=member_id).mark_due(at)
    catch_up(member_ids=[member_id], at=at, actor=actor)
