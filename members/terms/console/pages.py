"""What the pages of terms show: the queue as it will be after the press."""

from dataclasses import dataclass, field
from datetime import date, datetime

from django.conf import settings

from config.engine.naming import name_of
from config.engine.refusal import Refused, refusal_text
from members.people.rules import last_day, local_date
from members.terms.console.forms.terms import TermForm
from members.terms.models import MembershipTerm
from members.terms.operations.foreseeing import Stretch
from members.terms.words import REFUSALS


@dataclass(frozen=True)
class QueueLine:
    """One stretch of the queue in words: what covers the member, its first and its last day."""

    what: str
    kind: str
    starts_on: date
    last_on: date
    is_new: bool
    runs: bool


@dataclass(frozen=True)
class QueuePreview:
    """What will run until when and what waits; without lines where nothing is known yet, or why it is refused."""

    lines: list[QueueLine] | None = None
    refusal: str = ""
    zone: str = field(default="", compare=False)

    @classmethod
    def read(cls, form: TermForm, at: datetime) -> "QueuePreview":
        """The queue as the form's valid fields would make it."""
        zone = form.member.lifecycle.time_zone or settings.PROJECT_TIME_ZONE
        data = getattr(form, "cleaned_data", {})
        try:
            stretches = form.foresee(data, at)
        except Refused as refused:
            return cls(refusal=refusal_text(refused, REFUSALS), zone=zone)
        return cls(None if stretches is None else [_line(stretch, zone) for stretch in stretches], zone=zone)


def _line(stretch: Stretch, zone: str) -> QueueLine:
    return QueueLine(
        what=name_of(stretch.plan) or name_of(stretch.tier),
        kind=str(MembershipTerm.Kind(stretch.kind).label),
        starts_on=local_date(stretch.starts_at, zone),
        last_on=last_day(stretch.ends_at, zone),
        is_new=stretch.is_new,
        runs=stretch.runs,
    )
