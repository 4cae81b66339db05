"""What a worker does with a run, wherever it stands; and which runs have lost their worker."""

from collections.abc import Callable
from datetime import datetime

from django.db.models import F

from config.engine.refusal import Refused
from members.imports.models import ImportRun
from members.imports.operations import checks, undo, writes

Status = ImportRun.Status

# A run that keeps killing its worker must stop killing workers.
MAX_ATTEMPTS = 5

_STEPS: dict[str, Callable[..., None]] = {
    Status.CHECKING: checks.check,
    Status.APPLYING: writes.write,
    Status.SETTLING: writes.settle,
    Status.UNDOING: undo.undo,
}


def work(*, run_id: int, at: datetime) -> None:
    """Carry a run on until it waits for a person. Does nothing while another worker is at it.

    Safe to start any number of times, also after a worker died: every step begins from what was committed.
    """
    if not ImportRun.objects.seize(run_id):
        return
    try:
        while (status := _status(run_id)) in _STEPS:
            if not _may_try(run_id, status):
                return
            try:
                _STEPS[status](run_id=run_id, at=at)
            except Refused as refused:
                _fail(run_id, status, refused)
                return
    finally:
        ImportRun.objects.release(run_id)


def _status(run_id: int) -> str:
    return ImportRun.objects.values_list("status", flat=True).get(pk=run_id)


def _may_try(run_id: int, status: str) -> bool:
    """Count the attempt; a run that never gets past a step that writes nothing yet is given up."""
    ImportRun.objects.filter(pk=run_id).update(attempts=F("attempts") + 1)
    if status in (Status.SETTLING, Status.UNDOING):
        return True
    attempts = ImportRun.objects.values_list("attempts", flat=True).get(pk=run_id)
    if attempts <= MAX_ATTEMPTS:
        return True
    _fail(run_id, status, Refused("gave_up", attempts=MAX_ATTEMPTS))
    return False


def _fail(run_id: int, status: str, refused: Refused) -> None:
    if status == Status.UNDOING:
        ImportRun.objects.advance(
            run_id, Status.UNDOING, Status.DONE, failure_code=refused.code, failure_detail=refused.detail, attempts=0
        )
    else:
        ImportRun.objects.advance(
            run_id, status, Status.FAILED, failure_code=refused.code, failure_detail=refused.detail, attempts=0
        )
