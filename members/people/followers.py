"""What happens in other rooms when a member comes into being or is corrected: each registers its part here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from config.engine.registry import Registry


class Follower(Protocol):
    """Called in the transaction that wrote the member, in order of registration."""

    def created(self, member_id: int, *, time_zone: str, at: datetime) -> None:
        """The member and the identities are written. ``time_zone`` is empty for the project's."""

    def edited(self, member_id: int, *, fields: Sequence[str], time_zone: str | None, at: datetime) -> Sequence[str]:
        """``fields`` of the member or kinds of identities have changed; returns what else changed by it.

        ``time_zone`` is None where nothing is said about it.
        """


FOLLOWERS = Registry[Follower]("followers of members")
