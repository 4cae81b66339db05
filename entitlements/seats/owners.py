"""Owners of seats: members whose running term is of a plan that brings some."""

from datetime import datetime
from typing import Any

from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from entitlements.seats.models import Seat
from members.terms.models import MembershipTerm


def running_terms(at: datetime) -> QuerySet[Any]:
    """The terms that bring seats at ``at``; a member has at most one, so that each stands for an owner.

    With ``brought`` and ``taken``, the seats she has and those that are held.
    """
    held = Seat.objects.open().filter(group__member_id=OuterRef("member_id")).order_by()
    counted = held.values("group__member_id").annotate(n=Count("pk")).values("n")
    return (
        MembershipTerm.objects.covering(at)
        .filter(plan__seat_plan__seats__gt=0)
        .exclude(kind=MembershipTerm.Kind.TRIAL)
        .annotate(
            brought=F("plan__seat_plan__seats"),
            taken=Coalesce(Subquery(counted, output_field=IntegerField()), 0),
        )
    )
