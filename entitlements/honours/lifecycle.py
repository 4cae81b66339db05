"""What can become of the list of an honour for one year: its statuses and the table of moves between them."""

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from config.engine.moves import Move, edges


class RunStatus(TextChoices):
    DRAFT = "draft", _("To be looked at")
    GIVEN = "given", _("Awarded")
    DISCARDED = "discarded", _("Thrown away")
    VOIDED = "voided", _("Taken back")


# A person has looked at the list; everybody on it has the honour.
GIVE = Move.make("give", [RunStatus.DRAFT], RunStatus.GIVEN, Q(counted_at__isnull=False))
# Nobody gets it, or has it any more; the year can be counted again.
DISCARD = Move.make("discard", [RunStatus.DRAFT], RunStatus.DISCARDED)
VOID = Move.make("void", [RunStatus.GIVEN], RunStatus.VOIDED)

MOVES = (GIVE, DISCARD, VOID)
EDGES = edges(MOVES)
