"""The engine's judgement after facts changed hands."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from config.staff.models import User
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import catch_up, explain
from members.merging.querysets import moving
from members.tags.models import MemberTag


def judge(*, member_id: int, at: datetime, actor: User | None) -> None:
    """Have the engine judge a member whose history is another one now.

    Where that makes another state, she is placed anew as after an import of her history: a move would count as a
    conversion or a return, and may not be declared. The caller holds her lifecycle row.
    """
    judged = explain(member_ids=[member_id], at=at)[0]
    if judged.state is not None and judged.target != judged.state:
        moving.place_anew(moving.lifecycle_row(member_id))
    MemberLifecycle.objects.filter(pk=member_id).mark_due(at)
    catch_up(member_ids=[member_id], at=at, actor=actor)


@contextmanager
def tag_changes(member_id: int) -> Iterator[dict[str, Any]]:
    """Fills in which tags of the member came (``made``) and went (``ended``) meanwhile."""
    changes: dict[str, Any] = {}
    tags = MemberTag.objects.filter(member=member_id).order_by("pk")
    before = dict(tags.values_list("pk", "until"))
    yield changes
    after = dict(tags.values_list("pk", "until"))
    changes["made"] = [pk for pk in after if pk not in before]
    changes["ended"] = [pk for pk in before if before[pk] is None and after.get(pk) is not None]
