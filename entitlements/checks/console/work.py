"""What of the checks needs a person."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.formats import instant_text
from config.console.work import WorkItem
from config.staff.models import User
from entitlements.checks.console.pages import WORDS
from entitlements.checks.models import Offence


def offences(user: User, at: datetime) -> Iterator[WorkItem]:
    href = reverse("checks:index")
    for offence in Offence.objects.all():
        yield WorkItem(
            kind="bad",
            icon="alert-circle",
            type=_("Benefits"),
            title=_("Does not hold: %(what)s") % {"what": WORDS.get(offence.code, offence.code)},
            note=_("grants, uses, balances and terms do not add up"),
            count=offence.count,
            count_href=f"{href}#{offence.code}",
            due=instant_text(offence.found_at, at),
            due_kind="bad",
            href=href,
            action=_("Look"),
        )
