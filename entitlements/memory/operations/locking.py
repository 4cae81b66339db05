"""A member locks her benefits and price before an automatic renewal."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from config.audit.record import audit
from config.engine.refusal import Refused
from config.staff.models import User
from entitlements.benefits.models import LadderVersion
from entitlements.memory.models import RenewalLock
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import active_policy
from members.people.rules import at_local, last_day
from members.plans.models import Plan
from members.terms.models import MembershipTerm

# From so many local days before the term's last day.
WINDOW_DAYS = 3


@dataclass(frozen=True)
class Chance:
    """The renewal that may be locked at an instant, and at which price."""

    term: MembershipTerm
    plan: Plan


@transaction.atomic
def lock_renewal(*, member_id: int, at: datetime, actor: User | None) -> RenewalLock:
    """Lock the price and the ladder in force for the member's coming automatic renewal; a second time the same lock.

    Raises Refused: ``member_merged``, ``no_auto_renewal``, ``no_paid_term``, ``renewed_already``, ``too_early``.
    """
    row = MemberLifecycle.objects.select_for_update().filter(member_id=member_id).first()
    if row is None:
        raise Refused("member_merged")
    chance = chance_of(row, at)
    if lock := RenewalLock.objects.in_force().filter(term=chance.term).first():
        return lock
    lock = RenewalLock.objects.create(
        member_id=member_id, term=chance.term, ladder=LadderVersion.objects.get(status=LadderVersion.Status.ACTIVE),
        price_cents=chance.plan.price_cents, locked_at=at, locked_by=actor,
        until=max(
            chance.term.held_until(_zone(row), policy_days=active_policy().grace_days),
            chance.term.ends_at + timedelta(hours=active_policy().settlement_hours),
        ),
    )  # fmt: skip
    audit(
        lock,
        "renewal.locked",
        actor=actor,
        at=at,
        term=lock.term_id,
        price_cents=lock.price_cents,
        ladder=lock.ladder_id,
    )
    return lock


@transaction.atomic
def unlock(*, lock_id: int, at: datetime, actor: User | None) -> bool:
    """Release a lock whose renewal was not booked yet; returns whether it was released now."""
    lock = RenewalLock.objects.get(pk=lock_id)
    # The same turnstile as for a renewal.
    MemberLifecycle.objects.select_for_update().filter(member_id=lock.member_id).first()
    following = renewals_of(lock)
    if following.exists() or not RenewalLock.objects.waiting(at).filter(pk=lock_id).update(released_at=at):
        return False
    audit(lock, "renewal.unlocked", actor=actor, at=at, term=lock.term_id)
    return True


def chance_of(row: MemberLifecycle, at: datetime) -> Chance:
    """The renewal the member may lock at ``at``. Raises Refused, as ``lock_renewal``."""
    if not row.auto_renewal_flag:
        raise Refused("no_auto_renewal")
    queue = list(
        MembershipTerm.objects.filter(member_id=row.member_id).open_or_upcoming(at).select_related("plan", "tier")
    )
    if not queue or queue[0].starts_at > at or queue[0].kind != MembershipTerm.Kind.PAID or queue[0].plan is None:
        raise Refused("no_paid_term")
    if any(term.kind == MembershipTerm.Kind.PAID for term in queue[1:]):
        raise Refused("renewed_already")
    if at < opens_at(queue[0], _zone(row)):
        raise Refused("too_early")
    return Chance(queue[0], queue[0].plan)


def opens_at(term: MembershipTerm, zone: str) -> datetime:
    """From when the renewal of ``term`` may be locked: so many local days before its last day."""
    return at_local(last_day(term.ends_at, zone) - timedelta(days=WINDOW_DAYS), time(0), zone)


def locked_price(member_id: int, plan_id: int, at: datetime) -> int | None:
    """What the member locked in for a renewal with the plan at ``at``, in cents; None without a lock."""
    lock = RenewalLock.objects.waiting(at).filter(member_id=member_id, term__plan_id=plan_id).select_related("term")
    found = lock.order_by("-locked_at").first()
    if found is None or found.term.refunded_at or found.term.voided_at:
        return None
    return None if renewals_of(found).exists() else found.price_cents


def renewals_of(lock: RenewalLock) -> QuerySet[MembershipTerm]:
    """The paid terms behind the locked one: the first of them is what the lock is for."""
    paid = MembershipTerm.objects.filter(member_id=lock.member_id, kind=MembershipTerm.Kind.PAID).not_voided()
    return paid.filter(starts_at__gte=lock.term.ends_at)


def _zone(row: MemberLifecycle) -> str:
    return row.time_zone or settings.PROJECT_TIME_ZONE
