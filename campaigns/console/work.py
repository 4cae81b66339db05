"""What of messages needs a person."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns import metrics
from campaigns.lifecycle import Status
from config.console.work import WorkItem
from config.staff.models import User


def unknown_deliveries(user: User, at: datetime) -> Iterator[WorkItem]:
    if count := metrics.unknown_deliveries():
        href = f"{reverse('campaigns:messages')}?{urlencode({'status': Status.UNKNOWN.value})}"
        yield WorkItem(
            kind="bad",
            icon="message-2-x",
            type=_("Delivery"),
            title=_("Messages of which nobody knows whether they arrived"),
            note=_("a connection or a worker was lost at the last moment; they are never sent again by themselves"),
            count=count,
            count_href=href,
            href=href,
            action=_("Settle"),
        )
