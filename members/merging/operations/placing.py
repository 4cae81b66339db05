"""The engine's judgement after facts changed hands."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction

from config.engine.brakes import Status
from config.staff.models import User
from members.lifecycle.models import MemberLifecycle, SweepBrake
from members.lifecycle.operations.sweep import catch_up, explain
from members.merging.models import MergeRecord
from members.merging.querysets import moving
from members.tags.models import MemberTag


def judge(*, member_id: int, at: datetime, actor: User | None) -> bool:
    """Have the engine judge a member whose history is another one now.

    Where that makes another state, they are placed anew as after an import of her history: a move would count as a
    conversion or a return, and may not be declared. Returns whether that was so. The caller holds the lifecycle row.
    """
    judged = explain(member_ids=[member_id], at=at)[0]
    is_another = judged.state is not None and judged.target != judged.state
    if is_another:
        moving.place_anew(moving.lifecycle_row(member_id))
    MemberLifecycle.objects.filter(pk=member_id).mark_due(at)
    catch_up(member_ids=[member_id], at=at, actor=actor)
    return is_another


def put_absorbed_back(row: dict[str, Any]) -> None:
    """Put the lifecycle row of a member who was merged back into the table: state and ``resume_state`` as they were.

    What was due meanwhile is judged by ``judge_on``. A brake that has been decided holds nobody.
    """
    is_held = SweepBrake.objects.filter(pk=row["brake_id"], status=Status.OPEN).exists()
    moving.put_lifecycle(row if is_held else row | {"brake_id": None})
    # The rooms above may have said otherwise of the days since.
    MemberLifecycle.objects.filter(pk=row["member_id"]).update(active_on=None, active_since=None)


def judge_on(*, member_id: int, since: datetime, at: datetime, actor: User | None) -> None:
    """Judge a member from the state they had at ``since`` on, at the instant of each fact since then."""
    MemberLifecycle.objects.filter(pk=member_id).mark_due(since)
    catch_up(member_ids=[member_id], at=at, actor=actor)


def judge_survivor(record: MergeRecord, *, at: datetime, actor: User | None) -> None:
    """Put the survivor's state back to what it was, and judge on from there, where that makes another than it is now.

    Otherwise nothing is written: moves by facts of the survivor's own stand in the log already.
    """
    if (was := record.before.get("survivor")) is None:
        return
    member_id = record.survivor_id
    there = _place_of(member_id)
    savepoint = transaction.savepoint()
    row = moving.lifecycle_row(member_id)
    names = ("lifecycle_state", "resume_state", "transition_id", "state_since", "target_state", "target_rule")
    moving.put_lifecycle(row | {name: was[name] for name in (*names, "assessed_at", "next_due_at")})
    # What the engine said of the one they were it says again where it is so, and from when.
    by_engine = MemberTag.objects.filter(member=member_id, cause=MemberTag.Cause.ENGINE, since__gt=record.merged_at)
    by_engine.filter(code__in=MemberTag.Code.values).delete()
    judge_on(member_id=member_id, since=record.merged_at, at=at, actor=actor)
    if _place_of(member_id) == there:
        transaction.savepoint_rollback(savepoint)
    else:
        transaction.savepoint_commit(savepoint)


def _place_of(member_id: int) -> tuple[str | None, str | None]:
    return MemberLifecycle.objects.values_list("lifecycle_state", "resume_state").get(pk=member_id)


@contextmanager
def tag_changes(member_id: int) -> Iterator[dict[str, Any]]:
    """Fills in which tags of the member came (``made``) and went (``ended``, with what had said so) meanwhile."""
    changes: dict[str, Any] = {}
    tags = MemberTag.objects.filter(member=member_id).order_by("pk")
    before = {pk: said_by for pk, until, said_by in tags.values_list("pk", "until", "said_by") if until is None}
    known = set(tags.values_list("pk", flat=True))
    yield changes
    after = dict(tags.values_list("pk", "until"))
    changes["made"] = [pk for pk in after if pk not in known]
    changes["ended"] = [(pk, said_by) for pk, said_by in before.items() if after.get(pk) is not None]
