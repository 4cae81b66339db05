"""What of tiers needs a person."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.formats import number_text
from config.console.work import WorkItem, approval_item
from config.engine.reviewed import Status
from config.staff.models import User
from entitlements.tiers.models import QualificationPolicy, TierBrake


def policies(user: User, at: datetime) -> Iterator[WorkItem]:
    waiting = QualificationPolicy.objects.filter(status=Status.SUBMITTED)
    for policy in waiting.select_related("created_by").order_by("version"):
        moved = sum(move["members"] for move in (policy.preview or {}).get("moves", []))
        title = _("Qualification policy v%(version)s: %(note)s")
        yield approval_item(user, policy, title, reverse("tiers:policy", args=[policy.pk]), moved)


def limit_text(brake: TierBrake) -> str:
    words = {"limit": number_text(brake.limit_count), "base": number_text(brake.base_count)}
    return _("limit %(limit)s of %(base)s members") % words
