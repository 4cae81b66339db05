"""Tags made of values: one for each channel, or for each value of an event's property that members often have."""

from typing import Annotated, Any, Literal

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import Discriminator, Field, TypeAdapter

from config.engine.naming import event_label
from members.events.models import Event, EventDefinition
from members.people.models import Member
from members.segments.expressions import json_value
from members.segments.registry import Context, Spec
from members.segments.timing import WithinLast
from members.segments.value_tests import Text
from members.tags.querysets import EACH_VALUE

MAX_VALUES = 50
MAX_VALUE_CHARS = 80


class OfEvent(Spec):
    """Values of a property that ``at_least`` events of the last ``days`` have; each value of a list is one."""

    type: Literal["event"]
    event: Text
    property: Text
    at_least: Annotated[int, Field(ge=1, le=1000)]
    days: Annotated[int, Field(ge=1, le=400)]

    def statement(self, context: Context) -> tuple[str, Any]:
        """SQL for the rows (value, member) and its parameters."""
        window = WithinLast(op="within_last", amount=self.days, unit="days")
        events = Event.objects.filter(definition__name=self.event, occurred_at__lte=context.at)
        found = window.narrow(events, context).order_by().annotate(value=json_value("properties", self.property))
        sql, params = found.values_list("value", "member_id").query.sql_with_params()
        return EACH_VALUE.format(events=sql), [MAX_VALUE_CHARS, *params, self.at_least]

    def sentence(self) -> str:
        definition = EventDefinition.objects.filter(name=self.event).first()
        times = ngettext("at least %(n)s time", "at least %(n)s times", self.at_least) % {"n": self.at_least}
        return _("Each value of “%(property)s” in “%(event)s” that a member has %(times)s in %(days)s days") % {
            "property": self.property, "event": event_label(definition) if definition else self.event,
            "times": times, "days": self.days,
        }  # fmt: skip


class OfChannel(Spec):
    """The channel a member came by."""

    type: Literal["channel"]

    def statement(self, context: Context) -> tuple[str, Any]:
        members = Member.objects.exclude(channel="").order_by().annotate(said=F("channel"))
        return members.values_list("said", "pk").query.sql_with_params()

    def sentence(self) -> str:
        return _("Each source channel that members have")


Generator = OfEvent | OfChannel
_ADAPTER: TypeAdapter[Generator] = TypeAdapter(Annotated[Generator, Discriminator("type")])


def read_generator(data: Any) -> Generator:
    """The generator that a tag's JSON describes. Raises pydantic's ValidationError."""
    return _ADAPTER.validate_python(data)
