"""A family plan with two seats, its owner on day 0, and members who may hold them."""

from entitlements.seats.models import Seat
from entitlements.seats.operations import seating
from entitlements.seats.operations.plans import save_seat_plan
from members.people.models import Member
from members.plans.models import Plan
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.members.world import World, moment


class Families(World):
    def __init__(self, *, seats: int = 2) -> None:
        super().__init__()
        self.family = Plan.objects.create(code="family", name="Family", tier=self.gold, price_cents=5000)
        self.brings(self.family, seats)
        self.owner = self.member()
        self.bought = self.buys(self.owner, self.family, 0)

    def brings(self, plan, seats, **values):
        values = {"kind": "family", "tier": None} | values
        return save_seat_plan(plan=plan, seats=seats, actor=None, at=moment(0), **values)

    def buys(self, member: Member, plan: Plan, day: float, **values) -> MembershipTerm:
        return terms.purchase(member_id=member.pk, plan=plan, at=moment(day), actor=None, **values)

    def gives(self, member: Member, day: float = 1, owner: Member | None = None) -> Seat:
        return seating.give_seat(
            owner_id=(owner or self.owner).pk, member_id=member.pk, at=moment(day), actor=None
        )  # fmt: skip

    def follows(self, day: float) -> int:
        """The lifecycle engine and the pass of the seats, as beat runs both."""
        self.sweep(day)
        return seating.follow_seats(at=moment(day))


def spans(member: Member) -> list[tuple]:
    """Every stretch of cover of a member, in order."""
    rows = MembershipTerm.objects.filter(member=member, period__isempty=False).order_by("starts_at")
    return [(row.starts_at, row.effective_ends_at) for row in rows]
