"""What other apps show beside a member's name at the head of her page. Each registers in its ``AppConfig.ready``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from config.engine.registry import Registry


@dataclass(frozen=True)
class Mark:
    """One chip; ``cls`` is a class of the style sheets, ``href`` what it leads to."""

    label: str | Promise
    icon: str
    cls: str = ""
    href: str = ""


@dataclass(frozen=True)
class Marks:
    """Chips in their order, and the style of the frame around her initial, if any."""

    chips: Sequence[Mark] = ()
    frame: str = ""


# Reads the marks of a member at an instant; asked once, when her page is drawn.
Read = Callable[[int, datetime], Marks]

MARKS: Registry[Read] = Registry("member marks")


def shown(member_id: int, at: datetime) -> Marks:
    """Every registered mark of a member, in order of registration; the first frame is worn."""
    found = [read(member_id, at) for read in MARKS]
    chips = [chip for marks in found for chip in marks.chips]
    return Marks(chips, next((marks.frame for marks in found if marks.frame), ""))
