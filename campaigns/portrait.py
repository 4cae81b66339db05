"""One message as its page shows it: what it is, why it is so, and its words."""

from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from campaigns.lifecycle import Reason, Status
from campaigns.models import Enrollment, MessageContent, MessageIntent
from campaigns.operations import delivery
from campaigns.operations.copy import Words, email_message_id, words
from campaigns.operations.rendering import CopyError
from campaigns.steps import step_label
from members.people.models import Identity
from members.people.rules import last_day
from members.terms.models import MembershipTerm


class Portrait:
    """Nothing is read before it is asked for."""

    def __init__(self, intent: MessageIntent, at: datetime) -> None:
        self.intent = intent
        self.at = at

    @property
    def step(self) -> str:
        return step_label(self.intent.step_key)

    @property
    def is_open(self) -> bool:
        return self.intent.status in (Status.PENDING, Status.CLAIMED)

    @property
    def is_unknown(self) -> bool:
        return self.intent.status == Status.UNKNOWN

    @cached_property
    def address(self) -> str:
        """Where email to the member goes now; she may have had another when it was sent."""
        return (
            Identity.objects.filter(member_id=self.intent.member_id, kind=Identity.Kind.EMAIL)
            .values_list("value", flat=True)
            .first()
            or ""
        )

    @property
    def message_id(self) -> str:
        return email_message_id(self.intent.pk, delivery.installation())

    @cached_property
    def enrollment(self) -> Enrollment | None:
        return Enrollment.objects.filter(
            member_id=self.intent.member_id, campaign_id=self.intent.campaign_id, occurrence=self.intent.occurrence
        ).first()

    @cached_property
    def term(self) -> MembershipTerm | None:
        """The term whose end this is about."""
        term_id = self.enrollment.facts.get("term") if self.enrollment else None
        if term_id is None:
            return None
        return MembershipTerm.objects.filter(pk=term_id).select_related("plan", "tier").first()

    @property
    def last_on(self) -> date | None:
        """That term's last day where the member lives."""
        if self.term is None:
            return None
        zone = self.enrollment.time_zone if self.enrollment else ""
        return last_day(self.term.effective_ends_at, zone or settings.PROJECT_TIME_ZONE)

    @cached_property
    def planned_for(self) -> dict[str, Any]:
        """The facts that were seen when it was planned."""
        facts = self.enrollment.facts if self.enrollment else {}
        return {
            "ends_on": parse_date(facts.get("ends_on") or ""),
            "failed_at": parse_datetime(facts.get("failed_at") or ""),
        }

    @cached_property
    def look(self) -> delivery.Look | None:
        """What a claim would say now, for a message that still may go."""
        return delivery.look(intent=self.intent, at=self.at) if self.is_open else None

    @property
    def checks(self) -> list[dict[str, Any]]:
        """What stands against sending it now, in words; one line that says so when nothing does."""
        if self.look is None:
            return []
        if self.look.reason:
            return [{"ok": False, "label": Reason(self.look.reason).label}]
        return [
            {"ok": True, "label": _("The term ends as planned, and no later one follows")},
            {"ok": True, "label": _("Auto-renewal is off")},
            {"ok": True, "label": _("The channel is on, the member allows it, and nothing suppresses the address")},
        ]

    @cached_property
    def written_from(self) -> tuple[int, dict[str, Any]] | None:
        """Template version and facts: those it was written from, else those it would be written from now."""
        content = MessageContent.objects.filter(intent_id=self.intent.pk).first()
        if content is not None and self.intent.template_version_id and not self.is_open:
            return self.intent.template_version_id, content.context
        if self.look is not None and self.look.template_version_id:
            return self.look.template_version_id, self.look.context
        return None

    @cached_property
    def words(self) -> Words | None:
        """The exact words as sent, or as they would be now; None when they never were written."""
        if self.written_from is None:
            return None
        version, context = self.written_from
        try:
            return words(template_version_id=version, context=context, intent_id=self.intent.pk)
        except CopyError:
            return None
