"""A new member gets a lifecycle row and is placed; a new time zone has the member judged anew."""

from collections.abc import Sequence
from datetime import datetime

from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import catch_up


class LifecycleFollower:
    """Follows people (``members.people.followers``)."""

    def created(self, member_id: int, *, time_zone: str, at: datetime) -> None:
        MemberLifecycle.objects.create(member_id=member_id, time_zone=time_zone, known_since=at, next_due_at=at)
        catch_up(member_ids=[member_id], at=at)

    def edited(self, member_id: int, *, fields: Sequence[str], time_zone: str | None, at: datetime) -> Sequence[str]:
        rows = MemberLifecycle.objects.filter(pk=member_id)
        if time_zone is None or not rows.exclude(time_zone=time_zone).update(time_zone=time_zone):
            return ()
        rows.mark_due(at)
        catch_up(member_ids=[member_id], at=at)
        return ("time_zone",)
