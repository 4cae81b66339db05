"""What was parked about a member is taken once they are known; what a person set outlasts old news."""

from collections.abc import Sequence
from datetime import datetime

from members.events.operations.parking import replay_for
from members.events.querysets.traits import stamp_fields


class EventsFollower:
    """Follows people (``members.people.followers``)."""

    def created(self, member_id: int, *, time_zone: str, at: datetime) -> None:
        replay_for(member_ids=[member_id], at=at)

    def edited(self, member_id: int, *, fields: Sequence[str], time_zone: str | None, at: datetime) -> Sequence[str]:
        stamp_fields(member_id=member_id, fields=fields, at=at)
        replay_for(member_ids=[member_id], at=at)
        return ()
