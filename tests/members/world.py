"""A small world for lifecycle histories: one plan of each sort, one member, and days counted from her first."""

from datetime import UTC, date, datetime, time, timedelta

from members.events.models import ActiveDay, Source
from members.events.operations import recording
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.lifecycle.operations import sweep
from members.people.models import Member
from members.people.operations import people
from members.people.rules import at_local
from members.plans.models import Plan, Tier
from members.terms.operations import terms

ZONE = "Asia/Shanghai"
DAY_ZERO = date(2026, 3, 2)  # a Monday


def moment(day: float, hour: int = 12) -> datetime:
    """The instant ``day`` days after the first, at a local hour."""
    return at_local(DAY_ZERO, time(0), ZONE) + timedelta(days=day, hours=hour)


class World:
    def __init__(self, *, source_since: float | None = None) -> None:
        gold, black = (
            Tier.objects.create(code="gold", name="Gold", position=1),
            Tier.objects.create(code="black", name="Black", position=2),
        )
        make = Plan.objects.create
        self.gold, self.black = gold, black
        self.month = make(code="month", name="Month", tier=gold, price_cents=3000, trial_days=7)
        self.year = make(code="year", name="Year", tier=gold, duration_unit="year", price_cents=26800)
        self.week = make(code="week", name="Week", tier=gold, duration_unit="week", price_cents=900)
        self.black_month = make(code="black-month", name="Black", tier=black, price_cents=6000)
        self.source = Source.objects.create(
            code="app", name="App", connected_at=None if source_since is None else moment(source_since, 0)
        )
        self.serial = 0

    def member(self, day: float = 0, **profile) -> Member:
        self.serial += 1
        return people.create_member(
            actor=None, at=moment(day), identities={"external_id": f"m{self.serial}"}, **profile
        )

    def active(self, member: Member, days: list[float], *, hour: int = 12) -> None:
        """Activity on those days, each recorded when it happens."""
        for day in days:
            self.serial += 1
            recording.record_events(
                rows=[
                    {
                        "member_id": member.pk,
                        "name": "opened",
                        "occurred_at": moment(day, hour),
                        "message_id": f"e{self.serial}",
                    }
                ],
                source=self.source,
                at=moment(day, hour),
            )

    def sweep(self, day: float, hour: int = 12) -> sweep.SweepResult:
        return sweep.sweep(at=moment(day, hour))


def state(member: Member) -> MemberLifecycle:
    return MemberLifecycle.objects.get(pk=member.pk)


def path(member: Member) -> list[str]:
    """The states the member went through, in order."""
    return list(
        LifecycleTransition.objects.filter(member=member)
        .order_by("effective_at", "id")
        .values_list("to_state", flat=True)
    )


def tags(member: Member) -> set[str]:
    return set(member.tags.filter(until__isnull=True).values_list("code", flat=True))


def log(member: Member) -> list[tuple[datetime, str | None, str]]:
    return list(
        LifecycleTransition.objects.filter(member=member)
        .order_by("effective_at", "id")
        .values_list("effective_at", "from_state", "to_state")
    )


__all__ = ["UTC", "ActiveDay", "World", "log", "moment", "path", "state", "tags", "terms"]
