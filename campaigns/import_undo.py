"""What of a member's messages stands in the way when the import that created her is undone."""

from django.db.models import Q

from campaigns.lifecycle import Status
from campaigns.models import Enrollment, MessageIntent
from members.imports.operations.undo import FOLLOWERS, Follower


def register() -> None:
    """A message that may have reached anyone forbids it; what was only planned goes along with the member."""
    never_left = Q(status__in=[Status.PENDING, Status.SUPPRESSED, Status.EXPIRED], on_wire_at__isnull=True)
    FOLLOWERS.register(Follower(MessageIntent, blocking=~never_left))
    FOLLOWERS.register(Follower(Enrollment, blocking=Q(pk=None)))
