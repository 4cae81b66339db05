"""A member's messages in her timeline: each once it has come to an end."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.lifecycle import Status
from campaigns.models import MessageIntent
from campaigns.steps import step_label
from config.engine.naming import name_of
from members.people.console.timeline import SOURCES, Entry, Source

ICONS = {"email": "mail", "in_app": "bell"}
CHIPS = {Status.FAILED: "bad", Status.UNKNOWN: "warn"}


def register() -> None:
    """Called once, when the app is ready."""
    SOURCES.register(Source("message", gettext_lazy("Messages"), fetch))


def fetch(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    rows = MessageIntent.objects.older_for_member(member_id, before_at, before_pk, limit)
    return [_entry(row) for row in rows]


def _entry(row: MessageIntent) -> Entry:
    words = {"campaign": name_of(row.campaign), "step": step_label(row.step_key), "channel": row.get_channel_display()}
    assert row.finished_at is not None
    return Entry(
        at=row.finished_at,
        pk=row.pk,
        icon=ICONS.get(row.channel, "message"),
        kind="bad" if row.status == Status.FAILED else "msg",
        title=_("%(campaign)s · %(step)s · %(channel)s") % words,
        note=row.get_reason_display() if row.reason else "",
        chip=row.get_status_display(),
        chip_kind=CHIPS.get(row.status, ""),
        href=reverse("campaigns:message", args=[row.pk]),
        link=_("Open"),
        in_drawer=True,
    )
