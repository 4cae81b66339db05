"""The ladder's part of the pages of reviewed settings: its own page shows the version that waits."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.console.reviews import ReviewPages, ReviewWords
from entitlements.benefits.models import LadderVersion
from entitlements.grants import tasks
from entitlements.ladder import operations
from entitlements.ladder.words import REFUSALS


class LadderPages(ReviewPages[LadderVersion]):
    review = operations.REVIEW
    namespace = "ladder"
    name = ""
    refusals = REFUSALS
    words = ReviewWords(
        title=_("Tiers & benefits"),
        intro="",
        propose="",
        one=_("Ladder v%(version)s"),
        change="",
        waiting=_("Ladder v%(version)s: %(note)s"),
        in_force=_("The ladder is approved."),
    )

    def page(self, pk: int) -> str:
        return reverse("ladder:index")

    def on_approved(self) -> None:
        tasks.settle_due.delay_on_commit()


LADDER = LadderPages()
