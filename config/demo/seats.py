"""The demo's families and teams: owners who bought a plan with seats, and who holds them."""

import random
from datetime import datetime, timedelta
from typing import Any

from config.engine.money import project_currency
from entitlements.seats.operations import seating
from entitlements.seats.operations.plans import save_seat_plan
from members.lifecycle.models import MemberLifecycle
from members.plans.models import Plan, Tier
from members.terms.operations import terms

# The plan, its tier, the kind, the seats it brings and what share of each owner's is given.
PLANS: list[tuple[dict[str, Any], str, str, int, float]] = [
    ({"code": "family-year", "name": "Family yearly", "name_zh": "家庭年卡", "duration_unit": "year",
      "price_cents": 39_800}, "gold", "family", 3, 0.7),
    ({"code": "team-month", "name": "Team monthly", "name_zh": "团队月卡", "price_cents": 19_900}, "silver", "team", 8,
     0.5),
]  # fmt: skip
# One in so many members who have no membership owns a family or team.
ONE_IN = 40
# The first purchase lies at most so many days back.
OLDEST = 25


def make_seats(*, at: datetime) -> None:
    """Owners of each plan out of those who never bought anything, and seats given to others of them."""
    draw = random.Random(40)  # noqa: S311 - invented lives, no secret
    free = _without_membership(at - timedelta(days=OLDEST))
    owners = max(len(free) // ONE_IN, 1)
    for values, tier, kind, seats, share in PLANS:
        tier_row = Tier.objects.get(code=tier)
        known = values | {"tier": tier_row, "currency": project_currency()}
        plan, _ = Plan.objects.get_or_create(code=values["code"], defaults=known)
        save_seat_plan(plan=plan, kind=kind, seats=seats, tier=None, actor=None, at=at)
        for _owner in range(min(owners, len(free) // (seats + 1))):
            since = at - timedelta(days=draw.uniform(1, OLDEST))
            owner = free.pop(draw.randrange(len(free)))
            terms.purchase(member_id=owner, plan=plan, at=since, actor=None, auto_renewal=True)
            for _seat in range(sum(draw.random() < share for _ in range(seats))):
                holder = free.pop(draw.randrange(len(free)))
                given_at = since + (at - since) * draw.random()
                seating.give_seat(owner_id=owner, member_id=holder, at=given_at, actor=None)
    seating.follow_seats(at=at)


def _without_membership(known_before: datetime) -> list[int]:
    rows = MemberLifecycle.objects.filter(membership_status="none", known_since__lt=known_before)
    return list(rows.order_by("pk").values_list("pk", flat=True))
