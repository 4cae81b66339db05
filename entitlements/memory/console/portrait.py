"""A member's grace, lock and memory as her page shows them."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings

from config.engine.refusal import Refused
from entitlements.benefits.models import Benefit, TierBenefit
from entitlements.grants.models import Grant, Standing
from entitlements.memory.doors import MEMORIES
from entitlements.memory.models import EntitlementSnapshot, RenewalLock
from entitlements.memory.operations.locking import Chance, chance_of, opens_at, renewals_of
from members.lifecycle.models import MemberLifecycle


@dataclass(frozen=True)
class Kept:
    """One benefit of a snapshot, and what of it there was; no ``amount`` is no limit."""

    benefit: Benefit
    amount: int | None
    uses: int = 0


class MemoryPortrait:
    """Reads each part once, when the page asks for it."""

    def __init__(self, member_id: int, at: datetime) -> None:
        self.member_id, self.at = member_id, at

    @cached_property
    def life(self) -> MemberLifecycle:
        return MemberLifecycle.objects.get(pk=self.member_id)

    @cached_property
    def standing(self) -> Standing | None:
        return Standing.objects.select_related("tier", "term").filter(pk=self.member_id).first()

    @property
    def grace(self) -> Standing | None:
        """Her standing while the tier is held."""
        row = self.standing
        return row if row and row.via == Standing.Via.GRACE and row.until and row.until > self.at else None

    @cached_property
    def held(self) -> list[Benefit]:
        """What is kept until the grace ends."""
        grants = Grant.objects.filter(member_id=self.member_id, source=Grant.Source.GRACE).open(self.at)
        return list(Benefit.objects.filter(pk__in=grants.values("benefit_id")))

    @cached_property
    def paused(self) -> list[Benefit]:
        """What the tier gives and the grace does not hold."""
        if self.grace is None or self.grace.tier_id is None:
            return []
        cells = TierBenefit.objects.filter(
            version__status="active", tier_id=self.grace.tier_id, is_held_in_grace=False, benefit__is_archived=False
        )
        return list(Benefit.objects.filter(pk__in=cells.values("benefit_id")).exclude(pk__in=[b.pk for b in self.held]))

    @cached_property
    def lock(self) -> RenewalLock | None:
        """The lock that waits for its renewal."""
        locks = RenewalLock.objects.waiting(self.at).filter(member_id=self.member_id)
        return locks.select_related("term", "term__plan", "ladder").order_by("-locked_at").first()

    @property
    def is_lock_used(self) -> bool:
        """Whether the renewal was booked."""
        return self.lock is not None and renewals_of(self.lock).exists()

    @cached_property
    def chance(self) -> Chance | None:
        """The renewal she may lock now."""
        try:
            return None if self.lock else chance_of(self.life, self.at)
        except Refused:
            return None

    @property
    def lock_opens_at(self) -> datetime | None:
        """From when she may lock, while that lies ahead and her term renews by itself."""
        row = self.standing
        if self.lock or not self.life.auto_renewal_flag or row is None or row.via != Standing.Via.TERM or not row.term:
            return None
        opens = opens_at(row.term, self.life.time_zone or settings.PROJECT_TIME_ZONE)
        return opens if opens > self.at else None

    @cached_property
    def snapshot(self) -> EntitlementSnapshot | None:
        rows = EntitlementSnapshot.objects.filter(member_id=self.member_id)
        return rows.select_related("tier", "rule", "plan", "return_term").order_by("-taken_at").first()

    @cached_property
    def benefits(self) -> dict[int, Benefit]:
        return Benefit.objects.in_bulk([int(key) for key in self.snapshot.balances] if self.snapshot else [])

    @property
    def kept(self) -> list[Kept]:
        """What was left when the benefits ended."""
        balances: dict[str, Any] = self.snapshot.balances if self.snapshot else {}
        return [
            Kept(self.benefits[int(key)], value["remaining"], value["uses"])
            for key, value in balances.items()
            if int(key) in self.benefits and (value["remaining"] or value["uses"])
        ]

    @property
    def restored(self) -> list[Kept]:
        """What she got back."""
        grants = self.snapshot.restored.get("grants", []) if self.snapshot else []
        found = Benefit.objects.in_bulk([grant["benefit"] for grant in grants])
        return [Kept(found[grant["benefit"]], grant["amount"]) for grant in grants if grant["benefit"] in found]

    @property
    def memories(self) -> list[tuple[str, Any]]:
        """What other engines kept, each with its name."""
        values = self.snapshot.memories if self.snapshot else {}
        return [(str(memory.label), values[memory.code]) for memory in MEMORIES if memory.code in values]

    @property
    def is_empty(self) -> bool:
        return not (self.grace or self.lock or self.chance or self.lock_opens_at or self.snapshot)
