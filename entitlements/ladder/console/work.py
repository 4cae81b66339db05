"""What of the ladder needs a person."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.work import WorkItem, approval_item
from config.staff.models import User
from entitlements.benefits.models import LadderVersion


def versions(user: User, at: datetime) -> Iterator[WorkItem]:
    waiting = LadderVersion.objects.filter(status=LadderVersion.Status.SUBMITTED)
    for version in waiting.select_related("created_by"):
        # The ladder's page shows the version that waits, and decides about it. Whom its changes touch overlaps.
        yield approval_item(user, version, _("Ladder v%(version)s: %(note)s"), reverse("ladder:index"))
