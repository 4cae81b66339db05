"""When a grace becomes longer or shorter, whose term ended lately stands differently: other rooms look again."""

from datetime import datetime
from typing import Protocol

from config.engine.registry import Registry
from members.plans.models import Plan, Tier


class LookAgain(Protocol):
    def __call__(self, *, plan: Plan | None, tier: Tier | None, at: datetime) -> None:
        """The grace of the plan's terms, of the tier's, or, with neither, of all has changed."""


LISTENERS = Registry[LookAgain]("listeners to the grace")


def say_grace_changed(*, plan: Plan | None = None, tier: Tier | None = None, at: datetime) -> None:
    """Tell whoever listens, in the caller's transaction."""
    for listen in LISTENERS:
        listen(plan=plan, tier=tier, at=at)
