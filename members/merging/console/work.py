"""What merges leave for a person."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.formats import instant_text
from config.console.work import WorkItem
from config.staff.access import Permission
from config.staff.models import User
from members.merging.models import MergeRecord

MOST = 20


def surplus(user: User, at: datetime) -> Iterator[WorkItem]:
    """Undone merges of which something could not go back, the latest first."""
    if not user.may(Permission.OPERATE):
        return
    for record in MergeRecord.objects.with_surplus().order_by("-undone_at")[:MOST]:
        assert record.undone_at is not None
        yield WorkItem(
            kind="warn",
            icon="git-compare",
            type=_("Merge undone"),
            title=_("#%(number)s: something could not go back") % {"number": record.absorbed_id},
            count=sum(map(len, record.kept["surplus"].values())),
            due=instant_text(record.undone_at, at),
            href=reverse("merging:undo", args=[record.pk]),
            action=_("Look"),
        )
