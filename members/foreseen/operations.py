"""What a look ahead saw is kept, member by member, as long as somebody may want to open it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from config.engine.reviewed.lifecycle import COMING
from config.engine.reviewed.operations import REVIEWED
from members.foreseen.models import ForeseenChange, Foresight
from members.foreseen.querysets import KEPT, Changes, Figure

# Where a preview says which look it shows.
KEY = "foresight"
# After its version has come into force, or has not.
KEPT_FOR = timedelta(days=30)
# A look that no preview names yet may still be at work.
AT_WORK = timedelta(days=1)


@transaction.atomic
def keep_changes(changes: Changes, *, setting: str, version_id: int, at: datetime) -> tuple[int, list[Figure]]:
    """Write down whom a version would change; returns the number of the look, for its preview, and its figures."""
    foresight = Foresight.objects.create(setting=setting, version_id=version_id, at=at)
    changes.keep(foresight.pk)
    return foresight.pk, kept_changes(foresight.pk).figures()


def kept_changes(foresight_id: int) -> Changes:
    """What was written down then; nothing once it is forgotten."""
    return Changes(KEPT, {"kept": foresight_id})


def row_of(figure: Figure) -> dict[str, Any]:
    """A figure as a preview keeps it."""
    return {"from": figure.before, "to": figure.after, "members": figure.members}


@transaction.atomic
def forget_changes(*, at: datetime) -> int:
    """Delete what nobody will open any more; returns how many looks.

    Kept is what the preview of a version shows that waits, or that came or was decided about no longer ago than
    ``KEPT_FOR``.
    """
    looks = Foresight.objects.filter(at__lt=at - AT_WORK).exclude(pk__in=list(_wanted(at)))
    gone = list(looks.values_list("pk", flat=True))
    changes = ForeseenChange.objects.filter(foresight_id__in=gone)
    # Nothing hangs on these rows; one by one they would be read first.
    changes._raw_delete(changes.db)
    Foresight.objects.filter(pk__in=gone).delete()
    return len(gone)


def _wanted(at: datetime) -> Iterator[int]:
    for review in REVIEWED:
        versions = review.model._default_manager.filter(preview__has_key=KEY)
        for status, looked_at, foresight_id in versions.values_list("status", "previewed_at", f"preview__{KEY}"):
            if status in COMING or looked_at > at - KEPT_FOR:
                yield foresight_id
