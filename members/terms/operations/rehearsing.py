"""What a verb of terms would make of a member: the verb itself, tried and taken back.

So nothing is decided twice: what the page says before the press is what the press writes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from config.engine.refusal import Refused
from config.engine.rehearsal import rehearsal
from members.lifecycle.models import MemberLifecycle
from members.plans.models import Plan, Tier
from members.terms.consequences import CONSEQUENCES, Effect
from members.terms.models import MembershipTerm

Kind = MembershipTerm.Kind


@dataclass(frozen=True)
class Stretch:
    """Who covers the member from when until when: an order of theirs, old or new, or a seat."""

    order: int
    kind: str
    plan: Plan | None
    tier: Tier
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Facts:
    """A member at ``at``: all rows of terms with the first ones' money, the lifecycle row, what other rooms read."""

    at: datetime
    rows: list[MembershipTerm]
    life: MemberLifecycle
    others: dict[str, Any]

    @classmethod
    def read(cls, member_id: int, at: datetime) -> "Facts":
        rows = MembershipTerm.objects.filter(member_id=member_id).select_related("plan", "tier").order_by("pk")
        life = MemberLifecycle.objects.select_related("tier").filter(member_id=member_id).first()
        if life is None:
            raise Refused("member_merged")
        return cls(
            at=at,
            rows=list(rows),
            life=life,
            others={one.code: one.read(member_id, at) for one in CONSEQUENCES},
        )

    @cached_property
    def firsts(self) -> dict[int, MembershipTerm]:
        """Of each order the first row, which says what was paid and what went back."""
        return {row.pk: row for row in self.rows if row.origin_id is None}

    @cached_property
    def stretches(self) -> list[Stretch]:
        """What runs and waits, in order of time."""
        return list(self._stretches())

    def _stretches(self) -> Iterator[Stretch]:
        live = [row for row in self.rows if row.effective_ends_at > max(self.at, row.starts_at)]
        last: Stretch | None = None
        for row in sorted((row for row in live if row.voided_at is None), key=lambda row: row.starts_at):
            goes_on = last and (last.order, last.ends_at, last.tier) == (row.order_id, row.starts_at, row.tier)
            if last and not goes_on:
                yield last
            starts_at = last.starts_at if last and goes_on else row.starts_at
            last = Stretch(row.order_id, row.kind, row.plan, row.tier, starts_at, row.ends_at)
        if last:
            yield last

    @cached_property
    def running(self) -> Stretch | None:
        return next((stretch for stretch in self.stretches if stretch.starts_at <= self.at), None)

    def ends_at(self, order: int) -> datetime | None:
        """When the last second of an order's time is over; None when nothing of it is left."""
        return max((stretch.ends_at for stretch in self.stretches if stretch.order == order), default=None)


@dataclass(frozen=True)
class Outlook:
    """A member before a verb and after it."""

    before: Facts
    after: Facts

    @cached_property
    def order(self) -> MembershipTerm | None:
        """The order that the verb booked; of one with days added behind it the order itself."""
        new = [row for pk, row in self.after.firsts.items() if pk not in self.before.firsts]
        return min(new, key=lambda row: (row.kind == Kind.COMPENSATION, row.pk), default=None)

    @property
    def refunds(self) -> list[tuple[MembershipTerm, int]]:
        """The orders to which money goes back, and how much goes now, in minor units."""
        amounts = [
            (row, row.refunded_cents - self.before.firsts[pk].refunded_cents)
            for pk, row in self.after.firsts.items()
            if pk in self.before.firsts
        ]
        return [(row, cents) for row, cents in amounts if cents]

    @property
    def ended(self) -> list[Stretch]:
        """Orders of which something ran or waited and nothing is left, by their last stretch."""
        left = {stretch.order for stretch in self.after.stretches}
        last = {stretch.order: stretch for stretch in self.before.stretches}
        return [stretch for order, stretch in last.items() if order not in left]

    @property
    def handed_seconds(self) -> int:
        """Trial time that went over to another order."""
        before, after = (
            sum(row.trial_seconds for row in facts.rows if row.closed_at is None) for facts in (self.before, self.after)
        )
        return max(after - before, 0)

    @property
    def effects(self) -> list[Effect]:
        """What the rooms above say of it."""
        told = [one.tell(self.before.others[one.code], self.after.others[one.code]) for one in CONSEQUENCES]
        return [effect for effects in told for effect in effects]


def rehearse(*, member_id: int, at: datetime, act: Callable[[], object]) -> Outlook:
    """Try ``act``, a verb of terms with the member at ``at``, see what follows, and take it all back.

    Raises Refused as the verb does, and ``busy`` while somebody else changes the member.
    """
    with rehearsal():
        before = Facts.read(member_id, at)
        act()
        for one in CONSEQUENCES:
            one.follow(member_id, at)
        after = Facts.read(member_id, at)
    return Outlook(before, after)
