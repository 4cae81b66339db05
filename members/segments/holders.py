"""What holds a rule: segments, and what a higher room registers. Cycles and counters ask all of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.engine.registry import Registry
from members.segments.models import Segment


@dataclass(frozen=True)
class RuleHolder:
    """A kind of thing with a rule. ``rules`` reads (key, rule JSON) of those in use; ``circle`` refuses a cycle."""

    code: str
    rules: Callable[[], Iterable[tuple[Any, Any]]]
    circle: str | Promise


HOLDERS = Registry[RuleHolder]("rule holders", code_of=lambda holder: holder.code)


def register_all() -> None:
    """Segments hold rules."""
    HOLDERS.register(
        RuleHolder(
            "segment",
            lambda: Segment.objects.live().dynamic().order_by("pk").values_list("pk", "rule"),
            _("This segment leads back to the one you are editing."),
        )
    )
