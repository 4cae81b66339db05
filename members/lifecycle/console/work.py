"""What of the lifecycle needs a person: members no declared move can help."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.formats import number_text
from config.console.work import WorkItem
from config.staff.models import User
from members.lifecycle import metrics
from members.lifecycle.models import SweepBrake
from members.people.console.links import members_list


def anomalies(user: User, at: datetime) -> Iterator[WorkItem]:
    if count := metrics.anomalies():
        yield WorkItem(
            kind="bad",
            icon="alert-triangle",
            type=_("Anomaly"),
            title=_("Members who cannot reach the state their facts say"),
            note=_("no declared move leads there; nobody is forced"),
            count=count,
            count_href=members_list(anomaly="on"),
            href=reverse("members:anomalies"),
            action=_("See why"),
        )


def limit_text(brake: SweepBrake) -> str:
    return _("limit %(limit)s per state") % {"limit": number_text(brake.limit_count)}


def held_by(brake: SweepBrake) -> str:
    return members_list(brake=brake.pk)


def with_held(brakes: "QuerySet[SweepBrake]") -> "QuerySet[SweepBrake]":
    """With ``held_now``: how many members each still holds, whom the list behind it shows."""
    return brakes.annotate(held_now=Count("held"))
