"""What can become of a version of some settings: its statuses and the table of moves between them."""

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from config.engine.moves import Move, edges
from config.staff.access import Permission


class Status(TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Waiting for approval")
    SCHEDULED = "scheduled", _("Approved, not in force yet")
    ACTIVE = "active", _("In force")
    RETIRED = "retired", _("Retired")
    REJECTED = "rejected", _("Rejected")


# Ask a second person.
SUBMIT = Move.make("submit", [Status.DRAFT], Status.SUBMITTED, permission=Permission.PROPOSE_POLICY)
# Not in force, kept for the record.
REJECT = Move.make("reject", [Status.SUBMITTED, Status.SCHEDULED], Status.REJECTED, permission=Permission.APPROVE)
# Approved; it comes into force on its day.
SCHEDULE = Move.make(
    "schedule", [Status.SUBMITTED], Status.SCHEDULED, Q(starts_at__isnull=False), permission=Permission.APPROVE
)
# In force from now on; the former version must have been retired in the same transaction.
ACTIVATE = Move.make("activate", [Status.SUBMITTED, Status.SCHEDULED], Status.ACTIVE, permission=Permission.APPROVE)
RETIRE = Move.make("retire", [Status.ACTIVE], Status.RETIRED, permission=Permission.APPROVE)

MOVES = (SUBMIT, REJECT, SCHEDULE, ACTIVATE, RETIRE)
EDGES = edges(MOVES)

# Written, and neither in force nor out of the question yet.
COMING = (Status.DRAFT, Status.SUBMITTED, Status.SCHEDULED)
