"""The door for segment conditions: a kind of condition is one class, registered in its app's ``AppConfig.ready``.

Schema, builder, compiler, explanation and the differential test find it here; nothing else names it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, get_args

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from pydantic import BaseModel, ConfigDict

from config.engine.registry import Registry
from members.counters.wanted import CounterKey


class FieldType(StrEnum):
    """What a builder draws for a field. The value's shape is that of the pydantic field of the same name."""

    CHOICE = "choice"
    MULTI_CHOICE = "multi_choice"
    BOOLEAN = "boolean"
    NUMBER = "number"
    NUMBER_TEST = "number_test"
    TEXT = "text"
    VALUE_TEST = "value_test"
    INSTANT = "instant"
    MONTHS = "months"
    DURATION = "duration"
    WHEN = "when"
    WINDOW = "window"
    EVENT = "event"
    PROPERTY_FILTERS = "property_filters"
    SEGMENT = "segment"


@dataclass(frozen=True)
class Choice:
    """One value a picker offers; ``count`` is how many members (or events) have it, None where nobody counts."""

    value: str
    label: str | Promise
    count: int | None = None


@dataclass(frozen=True)
class Field:
    """One typed input of a condition; ``choices`` reads the real values, the most frequent first."""

    name: str
    label: str | Promise
    type: FieldType
    choices: Callable[[], Sequence[Choice]] | None = None
    # Of an amount: the currency by the condition's values, or nothing where the number is no amount. The rule has
    # minor units, people read and write major ones.
    currency: Callable[[Mapping[str, Any]], str] | None = None


@dataclass(frozen=True)
class Fact:
    """One fact behind a condition's truth. ``value`` is text, a number, a date or an instant; None is not known."""

    label: str | Promise
    value: Any


Evidence = Mapping[int, Sequence[Fact]]


@dataclass(frozen=True)
class Context:
    """What a condition is compiled for: the instant, and whether a neighbour already narrows the members to few.

    ``counters`` are rolling counters, by what they count: exact at the instant, and held by the caller.
    """

    at: datetime
    is_narrowed: bool = False
    counters: Mapping[CounterKey, int] = field(default_factory=dict, compare=False)
    event_ids: dict[str, int | None] = field(default_factory=dict, compare=False)


class Spec(BaseModel):
    """Any piece of a rule: fixed once made, and refusing fields it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False)


class Condition(Spec):
    """A leaf of the rule tree. A subclass sets ``kind: Literal["app.code"]`` and the class variables.

    ``narrows`` says that the condition alone, read from the member's own row, leaves few members.
    """

    label: ClassVar[str | Promise]
    group: ClassVar[str | Promise]
    fields: ClassVar[tuple[Field, ...]] = ()
    narrows: ClassVar[bool] = False

    kind: str

    def compile(self, context: Context) -> Q:
        """The members for whom this holds, as a ``Q`` on the Member queryset. NULL counts as not holding."""
        raise NotImplementedError

    def member_ids(self, context: Context) -> QuerySet | None:
        """The ids of the members for whom this holds, each once, where its own rows name them; else None.

        One column ``member_id``. Members who were merged into another may be among them: the compiler takes them out.
        """
        return None

    def sentence(self) -> str:
        """The condition read aloud in the current language."""
        raise NotImplementedError

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        """The facts the condition looks at, for a few members, in a fixed number of queries."""
        raise NotImplementedError

    def faults(self) -> Iterable[tuple[str, str]]:
        """(field, message) for each value the catalogues do not know; asked before a rule is used or saved."""
        return ()

    def counters(self) -> frozenset[CounterKey]:
        """The rolling counters the condition can read instead of the events."""
        return frozenset()

    def segment_ids(self) -> frozenset[int]:
        """Other segments the condition reads; they are refreshed first and cannot be archived."""
        return frozenset()

    def event_names(self) -> frozenset[str]:
        """Events the condition reads, whether or not anybody reports them; ``*`` for any."""
        return frozenset()

    def holds_of_absence(self) -> bool:
        """Whether it holds of a member of whom nothing was reported."""
        return False

    def tag_codes(self) -> frozenset[str]:
        """Tags the condition reads; they cannot be switched off."""
        return frozenset()


def code_of(condition: type[Condition]) -> str:
    """The ``kind`` under which a condition class appears in rules."""
    code: str = get_args(condition.model_fields["kind"].annotation)[0]
    return code


CONDITIONS: Registry[type[Condition]] = Registry("conditions", code_of=code_of)


def by_group() -> dict[str | Promise, list[type[Condition]]]:
    """The picker's groups with their conditions."""
    groups: dict[str | Promise, list[type[Condition]]] = {}
    for condition in CONDITIONS:
        groups.setdefault(condition.group, []).append(condition)
    return groups
