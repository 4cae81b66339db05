"""What is kept of what a member loses, and what comes back with a return, by the policy alone; in plain Python.

One benefit given once a term, ``ALLOWANCE`` units by whatever tier. A life is a chain of orders of one member, one at
a time, with seats between them. Written from the policy and not from the product. Days are local, instants are days
since the first as fractions.
"""

from dataclasses import dataclass, field

ALLOWANCE = 4
GRACE_DAYS = 3


@dataclass
class Memory:
    """Units that were left of a term's own allowance when it was lost; ``used`` of them once they had come back."""

    lost_at: float
    left: int
    used: int = 0
    is_pending: bool = True


@dataclass
class Order:
    """A paid or given term; ``back`` are the memories that came back with it."""

    is_paid: bool
    starts_at: float
    ends_at: float
    used: int = 0
    back: list[Memory] = field(default_factory=list)


@dataclass
class MemoryLife:
    younger_than_days: int
    now: float = 0.0
    order: Order | None = None
    seat_used: int | None = None
    memories: list[Memory] = field(default_factory=list)

    @property
    def is_covered(self) -> bool:
        return self.order is not None and self.now < self.order.ends_at

    @property
    def is_in_grace(self) -> bool:
        return self.order is not None and not self.is_covered

    def advance(self, to: float) -> None:
        """Time passes: at the end of a term, behind a paid one after its grace, what is left is lost and kept."""
        self.now = to
        if self.order is None:
            return
        lost_at = self.order.ends_at + (GRACE_DAYS if self.order.is_paid else 0)
        if to >= lost_at:
            self.memories.append(Memory(lost_at, ALLOWANCE - self.order.used))
            self.order = None

    def edges(self, until: float) -> list[float]:
        """When cover and the grace behind it end, before ``until``."""
        ends = [self.order.ends_at, self.order.ends_at + GRACE_DAYS] if self.order else []
        return [edge for edge in ends if self.now < edge < until]

    def begin(self, *, is_paid: bool, ends_at: float) -> None:
        """A purchase or a gift without cover decides what is remembered, once; compensation and seats never do."""
        self.order = Order(is_paid, self.now, ends_at)
        for memory in self.memories:
            if memory.is_pending:
                memory.is_pending = False
                # Whole local days since the loss, so the hour of neither counts.
                if int(self.now) - int(memory.lost_at) < self.younger_than_days and memory.left:
                    self.order.back.append(memory)

    def use(self, amount: int) -> bool:
        """What came back is used first. False where less is left."""
        if amount > self.available:
            return False
        if self.order is None:
            self.seat_used = (self.seat_used or 0) + amount
            return True
        for memory in self.order.back:
            taken = min(amount, memory.left - memory.used)
            memory.used += taken
            amount -= taken
        self.order.used += amount
        return True

    def refund(self) -> None:
        """What came with the order goes; it may come back another time unless something of it was used."""
        for memory in self.order.back:
            memory.is_pending = memory.used == 0
        self.order = None

    def void(self) -> None:
        """It never was, so what came back with it is remembered again, without what was used of it."""
        for memory in self.order.back:
            memory.is_pending = True
            memory.left, memory.used = memory.left - memory.used, 0
        self.order = None

    def take_seat(self) -> None:
        self.seat_used = 0

    def leave_seat(self) -> None:
        self.seat_used = None

    @property
    def restored(self) -> int:
        """Units that came back and are in force, used or not."""
        return sum(memory.left for memory in self.order.back) if self.order and self.is_covered else 0

    @property
    def available(self) -> int:
        if self.order is not None:
            used = self.order.used + sum(memory.used for memory in self.order.back)
            return ALLOWANCE + self.restored - used
        return 0 if self.seat_used is None else ALLOWANCE - self.seat_used
