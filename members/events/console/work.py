"""What of the sources of events needs a person."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.formats import instant_text
from config.console.work import WorkItem
from config.staff.models import User
from members.events import metrics


def silent_sources(user: User, at: datetime) -> Iterator[WorkItem]:
    """Sources from which nothing has come for longer than they may be silent, by name."""
    for source, heard_at in metrics.silent_sources(at):
        yield WorkItem(
            kind="bad",
            icon="plug-connected-x",
            type=_("Source"),
            title=_("%(source)s has been silent for longer than expected") % {"source": source.name},
            note=_("scores keep their last values and nobody is taken for inactive until it speaks again"),
            due=instant_text(heard_at, at),
            due_kind="bad",
            href=reverse("ingest:source", args=[source.pk]),
            action=_("Look"),
        )
