"""What a verb of terms does to the messages that are planned for a member."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import ngettext

from campaigns.lifecycle import SUPPRESS, Reason
from campaigns.models import Enrollment, MessageIntent
from config.engine.naming import name_of
from members.terms.consequences import CONSEQUENCES, Consequence, Effect


@dataclass(frozen=True)
class PlannedMessage:
    """A message that may still go out, or why it does not any more."""

    campaign: str
    may_go: bool
    reason: str


def register() -> None:
    """Called once, when the app is ready."""
    CONSEQUENCES.register(Consequence("messages", read, tell, follow))


def follow(member_id: int, at: datetime) -> None:
    """What the beat does every few seconds, for one member."""
    Enrollment.objects.cancel(at=at, member_id=member_id)


def read(member_id: int, _at: datetime) -> dict[int, PlannedMessage]:
    """The member's messages that no step has settled, and those that were cancelled."""
    statuses = [*SUPPRESS.sources, SUPPRESS.target]
    rows = MessageIntent.objects.filter(member_id=member_id, status__in=statuses).select_related("campaign")
    return {
        row.pk: PlannedMessage(name_of(row.campaign), row.status != SUPPRESS.target, row.reason)
        for row in rows.only("status", "reason", "campaign__name", "campaign__name_zh")
    }


def tell(before: dict[int, PlannedMessage], after: dict[int, PlannedMessage]) -> Iterator[Effect]:
    cancelled = Counter(
        (after[pk].campaign, after[pk].reason)
        for pk, message in before.items()
        if message.may_go and pk in after and not after[pk].may_go
    )
    for (campaign, reason), n in cancelled.items():
        text = ngettext(
            "%(n)s planned message is cancelled: %(why)s", "%(n)s planned messages are cancelled: %(why)s", n
        )
        yield Effect(text % {"n": n, "why": Reason(reason).label}, False, (campaign,))
