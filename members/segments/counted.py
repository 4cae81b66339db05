"""Which rolling counters the rules in use read."""

from collections.abc import Iterator

from members.counters.wanted import COUNTER_READERS, CounterKey
from members.segments.holders import HOLDERS
from members.segments.schema import RuleInvalid, counters, read_rule


def wanted() -> Iterator[CounterKey]:
    """The counters of every rule in use that can be read."""
    for holder in HOLDERS:
        for _key, data in holder.rules():
            try:
                yield from counters(read_rule(data))
            except RuleInvalid:
                # The refresh marks it.
                continue


def register_all() -> None:
    """Keep the counters rules read."""
    COUNTER_READERS.register(wanted, code="rules")
