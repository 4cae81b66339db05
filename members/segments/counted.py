"""Which rolling counters the rules of live segments and tags read."""

from collections.abc import Iterator
from itertools import chain

from members.counters.wanted import CounterKey, register_reader
from members.segments.models import Segment
from members.segments.schema import RuleInvalid, counters, read_rule
from members.tags.models import Tag


def wanted() -> Iterator[CounterKey]:
    """The counters of every live dynamic segment and every tag in use whose rule can be read."""
    segments = Segment.objects.live().dynamic().values_list("rule", flat=True)
    tags = Tag.objects.refreshable().filter(rule__isnull=False).values_list("rule", flat=True)
    for data in chain(segments, tags):
        try:
            yield from counters(read_rule(data))
        except RuleInvalid:
            # The refresh marks it.
            continue


def register_all() -> None:
    """Keep the counters rules read."""
    register_reader("rules", wanted)
