"""What a change of lifecycle policy means for messages; told to the policy's preview."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from members.lifecycle.policy_effects import EFFECTS, Effect, Moves


def register() -> None:
    """Called once, when the app is ready."""
    EFFECTS.register(preview_policy_messages, code="campaigns")


def preview_policy_messages(moves: Moves, at: datetime) -> Iterable[Effect]:
    """The messages that ``moves`` would cause. Every running campaign counts from terms, so no move causes any."""
    if Campaign.objects.running().exists():
        yield Effect(_("Renewal reminders (they count from terms, not from states)"), 0)
