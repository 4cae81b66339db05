"""What a member wears, who looks after her and how soon she is answered: from her grants in force and her awards."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from config.engine.naming import name_of
from entitlements.grants.models import Grant
from entitlements.honours.models import Adornment, AdviserAssignment, HonourAward
from entitlements.honours.rules import minutes_of
from members.people.console.marks import Mark, Marks

Form = Adornment.Form


class MemberHonours:
    """Reads each part once, when the page asks for it."""

    def __init__(self, member_id: int, at: datetime) -> None:
        self.member_id, self.at = member_id, at

    @cached_property
    def _grants(self) -> list[Grant]:
        rows = Grant.objects.open(self.at).filter(
            member_id=self.member_id, benefit__adornment__isnull=False, benefit__is_archived=False
        )
        return list(rows.select_related("benefit__adornment"))

    @cached_property
    def adornments(self) -> list[Adornment]:
        """One for each benefit she has, the most prominent first."""
        found = {grant.benefit_id: grant.benefit.adornment for grant in self._grants}
        return sorted(found.values(), key=lambda worn: (-worn.prominence, worn.pk))

    def _of(self, form: str) -> list[Adornment]:
        return [worn for worn in self.adornments if worn.form == form]

    @property
    def frame(self) -> Adornment | None:
        return next(iter(self._of(Form.FRAME)), None)

    @property
    def badges(self) -> list[Adornment]:
        return self._of(Form.BADGE)

    @property
    def titles(self) -> list[Adornment]:
        """Titles that come with a benefit; those given by rank are ``awards``."""
        return self._of(Form.TITLE)

    @cached_property
    def awards(self) -> list[HonourAward]:
        """The honours whose title she wears, the latest year first."""
        rows = HonourAward.objects.worn(self.at).filter(member_id=self.member_id)
        return list(rows.select_related("run__honour").order_by("-run__year", "rank"))

    @property
    def has_adviser_benefit(self) -> bool:
        return bool(self._of(Form.ADVISER))

    @cached_property
    def assignment(self) -> AdviserAssignment | None:
        """Who looks after her; nobody while no benefit gives her an adviser."""
        if not self.has_adviser_benefit:
            return None
        rows = AdviserAssignment.objects.current().filter(member_id=self.member_id)
        return rows.select_related("adviser", "assigned_by").first()

    @property
    def answer_minutes(self) -> int | None:
        """The shortest time to a first answer that her benefits promise."""
        promised = [minutes_of(g.level) for g in self._grants if g.benefit.adornment.form == Form.SERVICE]
        return min((minutes for minutes in promised if minutes), default=None)

    @property
    def is_empty(self) -> bool:
        return not (self.adornments or self.awards)


def read_marks(member_id: int, at: datetime) -> Marks:
    """The frame, titles and badges for the head of her page."""
    worn = MemberHonours(member_id, at)
    chips = [
        Mark(f"{name_of(award.run.honour)} · {award.run.year}", "star", f"worn worn-{award.run.honour.style}",
             award.run.get_absolute_url())
        for award in worn.awards
    ]  # fmt: skip
    chips += _chips(worn.titles, "star") + _chips(worn.badges, "rubber-stamp")
    return Marks(chips, worn.frame.style if worn.frame else "")


def _chips(adornments: Sequence[Adornment], icon: str) -> list[Mark]:
    return [Mark(name_of(worn), icon, f"worn worn-{worn.style}") for worn in adornments]
