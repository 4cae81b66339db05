"""When something happened or will: spans right to the minute, local dates in the member's time zone, windows of events.

Spans are elapsed time: a day has 24 hours. ``within`` includes its far end and the instant itself, so that two spans
that meet at an instant leave nobody out between them.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, IsNull, LessThan, LessThanOrEqual
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Discriminator, Field, model_validator

from members.segments.expressions import local_date
from members.segments.registry import Context, Spec
from members.segments.typed_numbers import whole_number
from members.segments.value_tests import Day, of_our_days
from members.terms.models import MembershipTerm

MAX_DAYS = 3660


def instant_of_our_days(instant: datetime) -> datetime:
    of_our_days(instant.date())
    return instant


Instant = Annotated[AwareDatetime, AfterValidator(instant_of_our_days)]


def written(instant: datetime) -> str:
    """An instant to the minute on the reader's clock."""
    return f"{localtime(instant):%Y-%m-%d %H:%M}"


class Span(Spec):
    """So many minutes, hours or days of elapsed time; ten years at most."""

    amount: Annotated[int, BeforeValidator(whole_number), Field(ge=1, le=MAX_DAYS * 24 * 60)]
    unit: Literal["minutes", "hours", "days"]

    @model_validator(mode="after")
    def _is_not_too_long(self) -> Self:
        if self.length > timedelta(days=MAX_DAYS):
            raise ValueError(_("At most ten years."))
        return self

    @property
    def length(self) -> timedelta:
        return timedelta(**{self.unit: self.amount})

    def span_words(self) -> str:
        words = {
            "minutes": ngettext("%(n)s minute", "%(n)s minutes", self.amount),
            "hours": ngettext("%(n)s hour", "%(n)s hours", self.amount),
            "days": ngettext("%(n)s day", "%(n)s days", self.amount),
        }
        return words[self.unit] % {"n": self.amount}


class Relative(Span):
    """An instant seen from now, in elapsed time."""

    op: Literal["within_last", "more_than_ago", "within_next", "more_than_ahead"]

    def over(self, instant: Any, zone: Combinable, context: Context) -> Q:
        match self.op:
            case "within_last":
                return Q(GreaterThanOrEqual(instant, context.at - self.length)) & Q(
                    LessThanOrEqual(instant, context.at)
                )
            case "more_than_ago":
                return Q(LessThan(instant, context.at - self.length))
            case "within_next":
                return Q(GreaterThanOrEqual(instant, context.at)) & Q(
                    LessThanOrEqual(instant, context.at + self.length)
                )
        return Q(GreaterThan(instant, context.at + self.length))

    def sentence(self) -> str:
        return {
            "within_last": _("within the last %(span)s"),
            "more_than_ago": _("more than %(span)s ago"),
            "within_next": _("within the next %(span)s"),
            "more_than_ahead": _("more than %(span)s from now"),
        }[self.op] % {"span": self.span_words()}


class OnDate(Spec):
    """An instant's local date against a given one."""

    op: Literal["on", "before", "on_or_after"]
    date: Day

    def over(self, instant: Any, zone: Combinable, context: Context) -> Q:
        day = local_date(instant, zone)
        match self.op:
            case "on":
                return Q(GreaterThanOrEqual(day, self.date)) & Q(LessThanOrEqual(day, self.date))
            case "before":
                return Q(LessThan(day, self.date))
        return Q(GreaterThanOrEqual(day, self.date))

    def sentence(self) -> str:
        return {
            "on": _("on %(value)s"),
            "before": _("before %(value)s"),
            "on_or_after": _("on or after %(value)s"),
        }[self.op] % {"value": self.date.isoformat()}


class Known(Spec):
    """Whether there is an instant at all."""

    op: Literal["known", "unknown"]

    def over(self, instant: Any, zone: Combinable, context: Context) -> Q:
        return Q(IsNull(instant, self.op == "unknown"))

    def sentence(self) -> str:
        return _("is known") if self.op == "known" else _("is not known")


When = Annotated[Relative | OnDate | Known, Discriminator("op")]


class Ever(Spec):
    """All events up to now."""

    op: Literal["ever"] = "ever"

    def narrow(self, events: QuerySet, context: Context) -> QuerySet:
        return events

    def sentence(self) -> str:
        return _("ever")


class WithinLast(Span):
    """Events of the last minutes, hours or days."""

    op: Literal["within_last"]

    def narrow(self, events: QuerySet, context: Context) -> QuerySet:
        return events.filter(occurred_at__gte=context.at - self.length)

    def sentence(self) -> str:
        return _("within the last %(span)s") % {"span": self.span_words()}


class Between(Spec):
    """Events from one instant to before another."""

    op: Literal["between"]
    start: Instant
    end: Instant

    @model_validator(mode="after")
    def _end_is_later(self) -> Self:
        if self.end <= self.start:
            raise ValueError(_("The end must be later than the start."))
        return self

    def narrow(self, events: QuerySet, context: Context) -> QuerySet:
        return events.filter(occurred_at__gte=self.start, occurred_at__lt=self.end)

    def sentence(self) -> str:
        return _("between %(value)s and %(until)s") % {"value": written(self.start), "until": written(self.end)}


class SinceTerm(Spec):
    """Events since the start of the term the member has now; none for members without one."""

    op: Literal["since_term"]

    def narrow(self, events: QuerySet, context: Context) -> QuerySet:
        terms = MembershipTerm.objects.covering(context.at).filter(
            member_id=OuterRef("member_id"), starts_at__lte=OuterRef("occurred_at")
        )
        return events.filter(Exists(terms))

    def sentence(self) -> str:
        return _("since the current term began")


Window = Annotated[Ever | WithinLast | Between | SinceTerm, Discriminator("op")]
