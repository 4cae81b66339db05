"""What of partner codes needs a person."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _

from config.console.work import WorkItem
from config.engine.naming import name_of
from config.staff.models import User
from entitlements.codes.models import CodePool


def low_pools(user: User, at: datetime) -> Iterator[WorkItem]:
    for pool in CodePool.objects.low():
        yield WorkItem(
            kind="bad" if pool.free == 0 else "warn",
            icon="gift",
            type=_("Stock"),
            title=_("%(pool)s of %(partner)s is running out") % {"pool": name_of(pool), "partner": pool.partner},
            note=_("codes left in stock"),
            count=pool.free,
            count_href=f"{pool.get_absolute_url()}?which=free",
            href=pool.get_absolute_url(),
            action=_("Take codes in"),
        )
