"""What benefits are counted in, and why a step with them and with packs is refused."""

import re
from collections.abc import Mapping
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.engine.naming import in_chinese
from config.engine.numbers import number_text
from entitlements.benefits.models import Benefit

# In Chinese a price is told in tenths of the full one: 0.88 of it is 8.8 折.
_TENTHS = "折"
_NUMBER = re.compile(r"[0-9]{1,9}([.][0-9]{1,4})?", re.ASCII)

REFUSALS: Mapping[str, str | Promise] = {
    "granted": _("Members have this benefit already, so its kind and usage period stay. Make a new benefit."),
    "code_taken": _("Another one has this code. Choose a code of its own."),
    "in_ladder": _("The ladder gives it: take it out of every tier and plan first."),
    "in_pack": _("A pack on sale holds it: take it out of the pack, or stop selling the pack."),
    "unlocks": _("Its use unlocks another benefit: change that one first."),
    "unlocks_itself": _("The benefits would unlock each other in a circle. Choose another one."),
    "level_twice": _("Each level once."),
    "levels_given": _("Tiers, packs or members have these levels: they stay, in their order. Others may be added."),
    "unknown_level": _("A level that the benefit does not have. Add it to the benefit first."),
    "empty_pack": _("Put at least one benefit into the pack."),
}


def unit_of(benefit: Benefit) -> str:
    """The unit in the reader's language; may be empty."""
    return (in_chinese() and benefit.unit_zh) or benefit.unit


def amount_text(benefit: Benefit, amount: int) -> str:
    """A number of the benefit's units: 20 downloads, 20 集."""
    return f"{number_text(amount)} {unit_of(benefit)}".strip()


def level_text(benefit: Benefit, level: str) -> str:
    """A level with the benefit's unit where it is a plain number: 4 台, 240 minutes; 4K says its own."""
    unit = unit_of(benefit)
    if not unit or not _NUMBER.fullmatch(level):
        return level
    if unit == _TENTHS and Decimal(level) < 1:
        return f"{(Decimal(level) * 10).normalize():f} {unit}"
    return f"{level} {unit}"
