"""Conditions on a figure over events: how often, how much, on how many days, how many values, which share."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Cast, Coalesce, NullIf
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.money import project_currency
from config.engine.naming import event_label
from members.events.models import Event, EventDefinition
from members.plans.models import Plan
from members.segments.conditions.bases import by_figure, passing
from members.segments.conditions.events import (
    ANY_EVENT,
    EVENT,
    WHERE,
    WINDOW,
    EventCondition,
    Step,
    Tallied,
    event_is,
    known_events,
    no_such_event,
)
from members.segments.expressions import NUMERIC, DistinctValues, json_value, local_date, member_zone
from members.segments.registry import Choice, Context, Evidence, Fact, Field, FieldType
from members.segments.value_tests import Currency, NumberTest, Text

TEST = Field("test", gettext_lazy("Number"), FieldType.NUMBER_TEST)


class Measured(EventCondition):
    """A figure over the events against a number; members without such events count as zero."""

    test: NumberTest
    fields: ClassVar[tuple[Field, ...]] = (EVENT, TEST, WHERE, WINDOW)

    def measure(self, context: Context) -> Any:
        raise NotImplementedError

    def compile(self, context: Context) -> Q:
        figures = self.figures(context)
        # A counter has one row a member, so that the planner itself sees where to begin.
        return by_figure(figures, self.test, one_by_one=context.is_narrowed and figures.model is Event)

    def holds_of_absence(self) -> bool:
        return self.test.holds_for_zero()

    def member_ids(self, context: Context) -> QuerySet | None:
        return None if self.test.holds_for_zero() else passing(self.figures(context), self.test).values("member_id")

    def figures(self, context: Context) -> QuerySet:
        """Rows of ``member_id`` and ``figure``, one a member who has such events."""
        return self.found(context).values("member_id").annotate(figure=self.measure(context))

    def sentence(self) -> str:
        return self.words_of_measure() % {
            "event": self.words(),
            "test": self.test.sentence(),
            "window": self.window.sentence(),
        }

    def words_of_measure(self) -> str:
        raise NotImplementedError


class EventCount(Tallied, Measured):
    kind: Literal["event.count"]
    label = gettext_lazy("Did something so often")

    def measure(self, context: Context) -> Any:
        return Count("*")

    def figures(self, context: Context) -> QuerySet:
        tallies = self.tallies(context)
        return super().figures(context) if tallies is None else tallies.annotate(figure=F("events"))

    def words_of_measure(self) -> str:
        return _("%(event)s %(test)s times, %(window)s")


def _currencies() -> list[Choice]:
    """The project's currency and those plans are sold in; a rule may name any."""
    sold = Plan.objects.exclude(currency=project_currency()).values_list("currency", flat=True)
    return [Choice(code, code) for code in (project_currency(), *sorted(set(sold)))]


class EventSum(Measured):
    """``value_cents`` of the events in one currency added up; those without a currency are in the project's own."""

    kind: Literal["event.sum"]
    currency: Currency = ""
    label = gettext_lazy("Value of events")
    fields = (
        EVENT,
        Field("currency", gettext_lazy("Currency"), FieldType.CHOICE, _currencies),
        Field(
            "test", gettext_lazy("Amount"), FieldType.NUMBER_TEST,
            currency=lambda values: values.get("currency") or project_currency(),
        ),
        WHERE,
        WINDOW,
    )  # fmt: skip

    def rows(self, context: Context) -> QuerySet[Event]:
        own = self.currency or project_currency()
        return super().rows(context).filter(currency__in=["", own] if own == project_currency() else [own])

    def measure(self, context: Context) -> Any:
        return Coalesce(Sum("value_cents"), 0)

    def sentence(self) -> str:
        return _("value of %(event)s %(test)s, %(window)s") % {
            "event": self.words(),
            "test": self.test.money_sentence(self.currency or project_currency()),
            "window": self.window.sentence(),
        }


class EventDays(Measured):
    """Distinct dates, by the member's own clock, on which the event happened."""

    kind: Literal["event.days"]
    label = gettext_lazy("Did something on so many days")

    def measure(self, context: Context) -> Any:
        return Count(local_date(F("occurred_at"), member_zone("member__")), distinct=True)

    def words_of_measure(self) -> str:
        return _("%(event)s on %(test)s days, %(window)s")


class EventValues(Measured):
    """Distinct values of one property: devices, categories, features. Each value of a list is one."""

    kind: Literal["event.values"]
    name: Text
    label = gettext_lazy("Different values of a property")
    fields = (EVENT, Field("name", gettext_lazy("Property"), FieldType.TEXT), TEST, WHERE, WINDOW)

    def measure(self, context: Context) -> Any:
        return DistinctValues(json_value("properties", self.name))

    def sentence(self) -> str:
        return _("%(event)s with %(test)s different values of “%(name)s”, %(window)s") % {
            "event": self.words(),
            "test": self.test.sentence(),
            "name": self.name,
            "window": self.window.sentence(),
        }


class EventRatio(Measured):
    """So many of one event for each hundred of another; zero for members without the other."""

    kind: Literal["event.ratio"]
    of: Text
    label = gettext_lazy("One event as a share of another")
    fields = (
        EVENT,
        Field("of", gettext_lazy("Of every"), FieldType.EVENT, known_events),
        Field("test", gettext_lazy("Percent"), FieldType.NUMBER_TEST),
        WHERE,
        WINDOW,
    )

    def rows(self, context: Context) -> QuerySet[Event]:
        found = Event.objects.filter(self._one(context) | self._other(context), occurred_at__lte=context.at)
        return found.order_by()

    def measure(self, context: Context) -> Any:
        one, other = (Count("member_id", filter=events) for events in (self._one(context), self._other(context)))
        return Coalesce(Cast(one, NUMERIC) * 100 / NullIf(other, 0), 0, output_field=NUMERIC)

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        known = {d.name: d for d in EventDefinition.objects.filter(name__in=[self.event, self.of])}
        context.event_ids.update({name: known[name].pk if name in known else None for name in (self.event, self.of)})
        rows = self.found(context).filter(member_id__in=member_ids).values_list("member_id")
        counted = rows.annotate(
            one=Count("member_id", filter=self._one(context)), other=Count("member_id", filter=self._other(context))
        )
        found = {pk: figures for pk, *figures in counted}
        names = [
            gettext_lazy("Any event") if name == ANY_EVENT else event_label(known[name]) if name in known else name
            for name in (self.event, self.of)
        ]
        return {pk: [Fact(name, n) for name, n in zip(names, found.get(pk, (0, 0)), strict=True)] for pk in member_ids}

    def sentence(self) -> str:
        return _("%(event)s %(test)s percent of %(of)s, %(window)s") % {
            "event": self.words(),
            "test": self.test.sentence(),
            "of": Step(event=self.of).words(),
            "window": self.window.sentence(),
        }

    def event_names(self) -> frozenset[str]:
        return frozenset({self.event, self.of})

    def faults(self) -> list[tuple[str, str]]:
        return [*super().faults(), *([] if Step(event=self.of).is_known() else [("of", no_such_event(self.of))])]

    def _one(self, context: Context) -> Q:
        """The events counted; filters are about these alone."""
        found = event_is(self.event, context)
        for test in self.where:
            found &= test.over("properties")
        return found

    def _other(self, context: Context) -> Q:
        return event_is(self.of, context)


ALL = (EventCount, EventSum, EventDays, EventValues, EventRatio)
