"""What plans bring seats, and how many."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from config.audit.record import audit
from config.staff.models import User
from entitlements.seats.models import SeatPlan
from entitlements.seats.owners import running_terms
from members.plans.models import Plan, Tier


class SeatsInUse(Exception):
    """Owners hold more seats than the plan shall bring; ``most`` is how many one of them has given."""

    def __init__(self, most: int) -> None:
        self.most = most
        super().__init__("in_use")


@transaction.atomic
def save_seat_plan(
    *, plan: Plan, kind: str, seats: int, tier: Tier | None, actor: User | None, at: datetime
) -> SeatPlan:
    """Say what seats a plan brings, also to those who bought it before. The tier holds for cover lent from now on.

    Raises SeatsInUse for fewer seats than an owner has given. A seat given in the same moment goes with the next
    ``follow_seats``.
    """
    Plan.objects.select_for_update(no_key=True).get(pk=plan.pk)
    most = running_terms(at).filter(plan=plan).aggregate(most=Max("taken"))["most"] or 0
    if seats < most:
        raise SeatsInUse(most)
    values = {"kind": kind, "seats": seats, "tier": tier}
    saved, created = SeatPlan.objects.update_or_create(plan=plan, defaults=values)
    audit(
        saved,
        "seat_plan.saved",
        actor=actor,
        at=at,
        plan=plan.code,
        created=created,
        kind=kind,
        seats=seats,
        tier=tier and tier.code,
    )
    return saved
