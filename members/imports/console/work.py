"""What of imports needs a person."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.formats import instant_text
from config.console.work import WorkItem
from config.staff.models import User
from members.imports.models import ImportRun

SHOWN = 10


def runs(user: User, at: datetime) -> Iterator[WorkItem]:
    """Files to confirm and imports that failed, the oldest first."""
    for run in ImportRun.objects.needing_attention().order_by("created_at")[:SHOWN]:
        failed = run.status == ImportRun.Status.FAILED
        href = reverse("imports:detail", args=[run.pk])
        yield WorkItem(
            kind="bad" if failed else "",
            icon="file-alert",
            type=_("Import"),
            title=run.file_name,
            note=run.get_status_display(),
            count=run.rows_rejected if failed or run.rows_rejected else run.rows_read,
            due=instant_text(run.created_at, at),
            due_kind="bad" if failed else "",
            href=href,
            action=_("Look") if failed else _("Check and confirm"),
        )
