"""The ladder's part of the pages of reviewed settings: its own page shows the version that waits."""

from collections.abc import Callable

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.console.reviews import ReviewWords
from config.engine import clock
from config.engine.ids import read_id
from config.engine.naming import name_of
from entitlements.benefits.models import FREE, Benefit, LadderVersion
from entitlements.grants import tasks
from entitlements.ladder import operations
from entitlements.ladder.changes import changes_of, foresee
from entitlements.ladder.words import REFUSALS, gives_text
from members.foreseen.console.pages import ForeseenPages
from members.foreseen.querysets import Changes, FigureAsked
from members.plans.models import Plan, Tier


class LadderPages(ForeseenPages[LadderVersion]):
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

    def changes_of(self, version: LadderVersion) -> Changes | None:
        """Asked anew, as quickly as counted: a draft is changed cell by cell and looked at all the while."""
        if not version.is_coming:
            return None
        active = self.review.active()
        changes = changes_of(version, active)
        return foresee(changes, active, version, at=clock.now())

    def looked_at(self, version: LadderVersion) -> None:
        return None

    def words_for(self, what: str) -> Callable[[str], str]:
        benefit = _place_of(what)[0]
        return lambda code: gives_text(benefit, code) if benefit else code

    def heading(self, figure: FigureAsked) -> str:
        benefit, on = _place_of(figure.what)
        return f"{name_of(benefit)} · {on}" if benefit else super().heading(FigureAsked(""))

    def on_approved(self) -> None:
        tasks.settle_due.delay_on_commit()


def _place_of(what: str) -> tuple[Benefit | None, str]:
    """The benefit of a changed cell and the name of its tier or plan; no benefit for nonsense."""
    number, kind, on = (*what.split("."), "", "")[:3]
    benefit = Benefit.objects.filter(pk=read_id(number) or 0).first()
    if (kind, on) == ("tier", FREE):
        return benefit, gettext("Free")
    found = (Plan if kind == "plan" else Tier).objects.filter(pk=read_id(on) or 0).first()
    return (benefit, name_of(found)) if found else (None, "")


LADDER = LadderPages()
