"""The condition on one event that another follows."""

from collections.abc import Sequence
from typing import Literal

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.events.models import Event
from members.segments.conditions.events import BEHAVIOUR, WINDOW, Step, known_events, no_such_event
from members.segments.registry import Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.timing import Ever, Span, Window


class EventSequence(Condition):
    """One event, and then another within a span after it; the first lies in the window."""

    kind: Literal["event.sequence"]
    first: Step
    then: Step
    within: Span
    window: Window = Ever()
    label = gettext_lazy("One thing after another")
    group = BEHAVIOUR
    fields = (
        Field("first", gettext_lazy("First"), FieldType.EVENT, known_events),
        Field("then", gettext_lazy("Then"), FieldType.EVENT, known_events),
        Field("within", gettext_lazy("Within"), FieldType.DURATION),
        WINDOW,
    )

    def _pairs(self, context: Context) -> QuerySet[Event]:
        after = self.then.rows(context).filter(
            member_id=OuterRef("member_id"),
            occurred_at__gt=OuterRef("occurred_at"),
            occurred_at__lte=OuterRef("occurred_at") + self.within.length,
        )
        return self.window.narrow(self.first.rows(context), context).filter(Exists(after))

    def compile(self, context: Context) -> Q:
        return Q(Exists(self._pairs(context).filter(member_id=OuterRef("pk"))))

    def sentence(self) -> str:
        return _("%(first)s and within %(span)s %(then)s, %(window)s") % {
            "first": self.first.words(),
            "then": self.then.words(),
            "span": self.within.span_words(),
            "window": self.window.sentence(),
        }

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = self._pairs(context).filter(member_id__in=member_ids).values_list("member_id")
        found = {pk: (n, last) for pk, n, last in rows.annotate(n=Count("*"), last=Max("occurred_at"))}
        facts: dict[int, list[Fact]] = {}
        for pk in member_ids:
            number, last = found.get(pk, (0, None))
            facts[pk] = [Fact(gettext_lazy("Times"), number)]
            if last:
                facts[pk].append(Fact(gettext_lazy("Last time"), last))
        return facts

    def event_names(self) -> frozenset[str]:
        return frozenset({self.first.event, self.then.event})

    def faults(self) -> list[tuple[str, str]]:
        steps = (("first.event", self.first), ("then.event", self.then))
        return [(field, no_such_event(step.event)) for field, step in steps if not step.is_known()]
