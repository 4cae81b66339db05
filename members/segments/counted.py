"""Which rolling counters the live segments read."""

from collections.abc import Iterator

from members.counters.wanted import CounterKey, register_reader
from members.models import Segment
from members.segments.schema import RuleInvalid, counters, read_rule


def wanted() -> Iterator[CounterKey]:
    """The counters of every live dynamic segment whose rule can be read."""
    for data in Segment.objects.live().dynamic().values_list("rule", flat=True):
        try:
            yield from counters(read_rule(data))
        except RuleInvalid:
            # The refresh marks such a segment.
            continue


def register_all() -> None:
    """Keep the counters segments read."""
    register_reader("segment", wanted)
