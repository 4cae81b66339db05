"""Conditions on behaviour: how often, how much, when first and last, never, and one thing after another.

Nothing after the instant of looking counts.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from django.db.models import Count, DateTimeField, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field as Limits

from config.engine.money import money_text, project_currency
from config.engine.naming import event_label
from members.counters.models import EventTally
from members.counters.wanted import CounterKey
from members.events.models import Event, EventDefinition
from members.segments.conditions.bases import MomentCondition
from members.segments.expressions import member_zone
from members.segments.registry import Choice, Condition, Context, Evidence, Fact, Field, FieldType, Spec
from members.segments.timing import Ever, Known, When, Window, WithinLast
from members.segments.value_tests import PropertyFilter, Text

BEHAVIOUR = gettext_lazy("Behaviour")
MAX_FILTERS = 10
NO_EVENT = -1
# In place of an event's name: events of every name. A program that names an event so is found among them.
ANY_EVENT = "*"

Filters = Annotated[tuple[PropertyFilter, ...], Limits(max_length=MAX_FILTERS)]


def known_events() -> list[Choice]:
    named = [Choice(d.name, event_label(d)) for d in EventDefinition.objects.exclude(name=ANY_EVENT)]
    return [Choice(ANY_EVENT, gettext_lazy("Any event")), *named]


EVENT = Field("event", gettext_lazy("Event"), FieldType.EVENT, known_events)
WHERE = Field("where", gettext_lazy("Where"), FieldType.PROPERTY_FILTERS)
WINDOW = Field("window", gettext_lazy("In the time"), FieldType.WINDOW)
TEST = Field("test", gettext_lazy("Number"), FieldType.NUMBER_TEST)


class Step(Spec):
    """Events of one name, or of any, whose properties pass."""

    event: Text
    where: Filters = ()

    def rows(self, context: Context) -> QuerySet[Event]:
        """The events, of every member, up to the instant of looking."""
        found = Event.objects.filter(event_is(self.event, context), occurred_at__lte=context.at)
        for test in self.where:
            found = found.filter(test.over("properties"))
        return found.order_by()

    def words(self) -> str:
        filters = _(" and ").join(test.sentence() for test in self.where)
        if self.event == ANY_EVENT:
            return _("any event where %(filters)s") % {"filters": filters} if filters else _("any event")
        # A rule names few events; each is read under its label.
        definition = EventDefinition.objects.filter(name=self.event).first()
        name = event_label(definition) if definition else self.event
        if not filters:
            return _("“%(event)s”") % {"event": name}
        return _("“%(event)s” where %(filters)s") % {"event": name, "filters": filters}

    def is_known(self) -> bool:
        return self.event == ANY_EVENT or EventDefinition.objects.filter(name=self.event).exists()


def event_is(name: str, context: Context) -> Q:
    """Events of this name; of every name for ``ANY_EVENT``."""
    # A test that every row passes, and no empty one: that would vanish in an alternative.
    return Q(definition_id__isnull=False) if name == ANY_EVENT else Q(definition_id=event_id(name, context))


def event_id(name: str, context: Context) -> int:
    """The event's number, read once: with it in the statement the planner knows how many rows to expect."""
    if name not in context.event_ids:
        context.event_ids[name] = EventDefinition.objects.filter(name=name).values_list("pk", flat=True).first()
    return context.event_ids[name] or NO_EVENT


def no_such_event(name: str) -> str:
    return _("No event “%(event)s” has been seen.") % {"event": name}


class EventCondition(Step, Condition):
    """Events of one name or any, whose properties pass, in a window of time."""

    window: Window = Ever()
    group = BEHAVIOUR

    def found(self, context: Context) -> QuerySet[Event]:
        return self.window.narrow(self.rows(context), context)

    def of_member(self, context: Context) -> QuerySet[Event]:
        return self.found(context).filter(member_id=OuterRef("pk"))

    def event_names(self) -> frozenset[str]:
        return frozenset({self.event})

    def faults(self) -> list[tuple[str, str]]:
        return [] if self.is_known() else [("event", no_such_event(self.event))]

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        rows = self.found(context).filter(member_id__in=member_ids).values("member_id", "currency")
        seen = rows.annotate(n=Count("*"), minor=Sum("value_cents"), first=Min("occurred_at"), last=Max("occurred_at"))
        found: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for part in seen:
            found[part["member_id"]].append(part)
        return {pk: _facts(found[pk]) for pk in member_ids}


def _facts(parts: Sequence[Mapping[str, Any]]) -> list[Fact]:
    """What is known of the events of one member, whose ``parts`` are those in one currency each."""
    facts = [Fact(gettext_lazy("Times"), sum(part["n"] for part in parts))]
    if parts:
        first, last = min(part["first"] for part in parts), max(part["last"] for part in parts)
        facts += [Fact(gettext_lazy("First time"), first), Fact(gettext_lazy("Last time"), last)]
    amounts: Counter[str] = Counter()
    for part in parts:
        if part["minor"] is not None:
            amounts[part["currency"] or project_currency()] += int(part["minor"])
    if amounts:
        words = " + ".join(money_text(minor, currency) for currency, minor in sorted(amounts.items()))
        facts.append(Fact(gettext_lazy("Value"), words))
    return facts


class Tallied(EventCondition):
    """What a rolling counter can answer: how often, in a window that ends now."""

    def counters(self) -> frozenset[CounterKey]:
        """The counter of the same events in the same window; none for other windows, filtered events and any event."""
        if self.where or self.event == ANY_EVENT or not isinstance(self.window, WithinLast):
            return frozenset()
        return frozenset({CounterKey(self.event, int(self.window.length.total_seconds()))})

    def tallies(self, context: Context) -> QuerySet[EventTally] | None:
        """The counter's rows, where one is held that is exact at the instant of looking."""
        held = [context.counters[key] for key in self.counters() if key in context.counters]
        return EventTally.objects.filter(counter_id=held[0]) if held else None


class EventNever(Tallied):
    kind: Literal["event.never"]
    label = gettext_lazy("Never did something")
    fields = (EVENT, WHERE, WINDOW)

    def holds_of_absence(self) -> bool:
        return True

    def compile(self, context: Context) -> Q:
        tallies = self.tallies(context)
        own = self.of_member(context) if tallies is None else tallies.filter(member_id=OuterRef("pk"))
        return ~Q(Exists(own))

    def sentence(self) -> str:
        return _("never %(event)s, %(window)s") % {"event": self.words(), "window": self.window.sentence()}


class Edge(EventCondition, MomentCondition):
    """When the first or last of the events happened."""

    when: When
    group = BEHAVIOUR
    narrows = False
    fields = (EVENT, Field("when", gettext_lazy("When"), FieldType.WHEN), WHERE, WINDOW)

    edge: ClassVar[Any]
    without = gettext_lazy("not those who never did")

    def subject(self, context: Context) -> Any:
        own = self.of_member(context).values("member_id").annotate(edge=type(self).edge("occurred_at"))
        return Subquery(own.values("edge"), output_field=DateTimeField())

    def compile(self, context: Context) -> Q:
        if isinstance(self.when, Known):
            known = Q(Exists(self.of_member(context)))
            return known if self.when.op == "known" else ~known
        if context.is_narrowed:
            return super().compile(context)
        edges = self.found(context).values("member_id").annotate(edge=type(self).edge("occurred_at"))
        passes = self.when.over(F("edge"), member_zone("member__"), context)
        return Q(pk__in=edges.filter(passes).values("member_id"))

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return EventCondition.evidence(self, member_ids, context)


class EventFirst(Edge):
    kind: Literal["event.first"]
    label = gettext_lazy("First did something")
    edge = Min

    def sentence(self) -> str:
        words = {"event": self.words(), "when": self.when_words(), "window": self.window.sentence()}
        return _("first %(event)s %(when)s (of those %(window)s)") % words


class EventLast(Edge):
    kind: Literal["event.last"]
    label = gettext_lazy("Last did something")
    edge = Max

    def sentence(self) -> str:
        words = {"event": self.words(), "when": self.when_words(), "window": self.window.sentence()}
        return _("last %(event)s %(when)s (of those %(window)s)") % words


ALL = (EventNever, EventFirst, EventLast)
