"""Allowances and changes of the ladder in words."""

from collections.abc import Mapping

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.engine.naming import in_chinese
from entitlements.benefits.models import Benefit
from entitlements.ladder.changes import Cell

REFUSALS: Mapping[str, str | Promise] = {
    "waiting": gettext_lazy("A version waits for its approval or its day. Decide about that one first."),
}

_EVERY = {
    Benefit.Period.NEVER: gettext_lazy("%(amount)s in all"),
    Benefit.Period.TERM: gettext_lazy("%(amount)s a term"),
    Benefit.Period.DAY: gettext_lazy("%(amount)s a day"),
    Benefit.Period.WEEK: gettext_lazy("%(amount)s a week"),
    Benefit.Period.MONTH: gettext_lazy("%(amount)s a month"),
    Benefit.Period.QUARTER: gettext_lazy("%(amount)s a quarter"),
    Benefit.Period.YEAR: gettext_lazy("%(amount)s a year"),
}


def unit_of(benefit: Benefit) -> str:
    """The unit in the reader's language; may be empty."""
    return (in_chinese() and benefit.unit_zh) or benefit.unit


def amount_of(benefit: Benefit, amount: int) -> str:
    """A number of the benefit's units: 20 downloads, 20 集."""
    return f"{number_format(amount, force_grouping=True)} {unit_of(benefit)}".strip()


def a_period(benefit: Benefit, amount: int) -> str:
    """The same with its usage period: 20 downloads a month."""
    return str(_EVERY[Benefit.Period(benefit.period)]) % {"amount": amount_of(benefit, amount)}


def allowance(benefit: Benefit, cell: Cell | None) -> str:
    """What a cell gives, in a few words; empty for a plain yes or no."""
    if cell is None:
        return ""
    if cell.level or not benefit.has_limit:
        return cell.level
    return _("unlimited") if cell.amount is None else a_period(benefit, cell.amount)


def given(benefit: Benefit, cell: Cell | None) -> str:
    """The same where nothing may be left empty."""
    return "—" if cell is None else allowance(benefit, cell) or _("given")
