"""What the page of checks shows: each invariant in words, and what offends it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from entitlements.benefits.models import Benefit
from entitlements.checks.models import Offence

WORDS: dict[str, Promise] = {
    "balance_is_grants_less_uses": _("Balances say what their grants give"),
    "balance_not_negative": _("No balance is negative"),
    "used_is_lots": _("What was used lies in the lots"),
    "terms_do_not_overlap": _("A member has one term at a time"),
    "grants_have_a_source_or_an_end": _("Every grant has a live source or an end"),
    "one_live_grant_a_source": _("A source gives a benefit once"),
    "lots_within_their_buckets": _("No lot holds more than was granted"),
    "seats_within_the_plan": _("Nobody gives more seats than were brought"),
    "lent_cover_ends_with_its_seat": _("Lent cover ends with its seat"),
}


@dataclass(frozen=True)
class Row:
    member_id: int
    benefit: Benefit | None
    detail: str


@dataclass(frozen=True)
class Line:
    """One invariant; ``offence`` is None while it holds."""

    words: str | Promise
    offence: Offence | None
    rows: list[Row]


def lines() -> list[Line]:
    """Every invariant, those that do not hold first."""
    found = {offence.code: offence for offence in Offence.objects.all()}
    named = {row[1] for offence in found.values() for row in offence.rows if row[1]}
    benefits = Benefit.objects.in_bulk(named) if named else {}
    shown = [Line(words, found.get(code), _rows(found.get(code), benefits)) for code, words in WORDS.items()]
    return sorted(shown, key=lambda line: line.offence is None)


def _rows(offence: Offence | None, benefits: dict[Any, Benefit]) -> list[Row]:
    rows: Iterable[list[Any]] = offence.rows if offence else ()
    return [Row(member, benefits.get(benefit), detail) for member, benefit, detail in rows]
