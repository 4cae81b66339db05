"""Allowances and changes of the ladder in words."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.engine.ids import MOST, read_number
from entitlements.benefits.models import Benefit, TierBenefit
from entitlements.benefits.words import amount_text, level_text
from entitlements.ladder.changes import Cell

REFUSALS: Mapping[str, str | Promise] = {
    "waiting": gettext_lazy("A version waits for its approval or its day. Decide about that one first."),
    "unknown_level": gettext_lazy("A level that the benefit does not have. Add it to the benefit first."),
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


def a_period(benefit: Benefit, amount: int) -> str:
    """The same with its usage period: 20 downloads a month."""
    return str(_EVERY[Benefit.Period(benefit.period)]) % {"amount": amount_text(benefit, amount)}


def allowance(benefit: Benefit, cell: Cell | None) -> str:
    """What a cell gives, in a few words; empty for a plain yes or no."""
    if cell is None:
        return ""
    if cell.level or not benefit.has_limit:
        return level_text(benefit, cell.level)
    return _("unlimited") if cell.amount is None else a_period(benefit, cell.amount)


def given(benefit: Benefit, cell: Cell | None) -> str:
    """The same where nothing may be left empty."""
    return "—" if cell is None else allowance(benefit, cell) or _("given")


def gives_text(benefit: Benefit, code: str) -> str:
    """What a member has of a benefit, as ``changes_between`` writes it: 5 films a month, 4K, early by 24 hours."""
    amount, hours, level = (*code.split("/", 2), "", "")[:3]
    early = read_number(hours, most=MOST)
    if early is None:
        return "—"
    words = given(benefit, TierBenefit(benefit=benefit, amount=read_number(amount, most=MOST), level=level))
    if not early:
        return words
    return f"{words} · {ngettext('%(hours)s hour early', '%(hours)s hours early', early) % {'hours': early}}"
