"""Whom a benefit's figures count, as the members list and the segments' breakdown name them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time

from django.conf import settings
from django.db.models import F, FilteredRelation, Q
from django.utils.translation import gettext_lazy as _

from config.engine.ids import read_id
from config.engine.naming import name_of
from entitlements.benefits.models import FREE, Benefit
from entitlements.grants.models import Balance
from entitlements.insight.operations.counting import LATELY
from entitlements.usage.models import UsageRecord
from members.people.querysets.people import MemberQuerySet
from members.people.rules import at_local
from members.plans.models import Tier
from members.segments.console.links import with_value
from members.segments.dimensions import DIMENSIONS, NARROWINGS, Dimension, Narrowing, Words
from members.terms.rules import add_months

USED_IN_MONTH = "benefit_month"


@dataclass(frozen=True)
class BalanceDimension(Dimension):
    """The benefits a member has in some way; a value is a benefit's number, or ``number-tier`` for those of a tier.

    No value is whoever has none.
    """

    passes: Callable[[datetime], Q] = lambda at: Q()

    def having(self, members: MemberQuerySet, value: str, at: datetime) -> MemberQuerySet:
        if not value:
            return members.exclude(pk__in=Balance.objects.open().filter(self.passes(at)).values("member_id"))
        text, _sign, tier = value.partition("-")
        benefit_id, tier_id = read_id(text), read_id(tier)
        if benefit_id is None or (tier not in ("", FREE) and tier_id is None):
            return members.none()
        found = Balance.objects.open().filter(self.passes(at), benefit_id=benefit_id)
        if tier:
            found = found.filter(member__standing__tier=tier_id)
        return members.filter(pk__in=found.values("member_id"))


def held_by(benefit: Benefit, tier: str | None = None, **parameters: str) -> str:
    """The list of those who have the benefit; ``tier`` is a tier's number, or empty for the free tier."""
    return _address("benefit", benefit, tier, parameters)


def used_by(benefit: Benefit, tier: str | None = None, **parameters: str) -> str:
    """The list of those who used it in the last 30 days."""
    return _address("benefit_used", benefit, tier, parameters)


def at_limit_of(benefit: Benefit, tier: str | None = None, **parameters: str) -> str:
    """The list of those who have used all they have of it."""
    return _address("benefit_limit", benefit, tier, parameters)


def used_in_month(benefit_id: int, month: date) -> str:
    """The list of those who used it in a calendar month of the project; ``month`` is its first day."""
    return with_value(USED_IN_MONTH, f"{benefit_id}-{month:%Y-%m}")


def _used_in_month(members: MemberQuerySet, value: str, at: datetime) -> MemberQuerySet:
    benefit, _sign, text = value.partition("-")
    try:
        month = date.fromisoformat(f"{text}-01")
        first, after = (at_local(day, time(0), settings.PROJECT_TIME_ZONE) for day in (month, add_months(month, 1)))
    except (ValueError, OverflowError):
        return members.none()
    uses = UsageRecord.objects.filter(
        benefit_id=read_id(benefit) or 0, outcome=UsageRecord.Outcome.USED, reversal=None, at__gte=first, at__lt=after
    )
    return members.filter(pk__in=uses.order_by().values("member_id"))


def _month_word(value: str) -> str:
    benefit, _sign, month = value.partition("-")
    return f"{name_of(Benefit.objects.filter(pk=read_id(benefit) or 0).first()) or benefit} · {month}"


def _address(code: str, benefit: Benefit, tier: str | None, parameters: dict[str, str]) -> str:
    value = str(benefit.pk) if tier is None else f"{benefit.pk}-{tier or FREE}"
    return with_value(code, value, **parameters)


def _words() -> Words:
    benefits = {str(benefit.pk): name_of(benefit) for benefit in Benefit.objects.all()}
    tiers = {str(tier.pk): name_of(tier) for tier in Tier.objects.all()} | {FREE: _("Free tier")}
    of_tiers = {f"{pk}-{tier}": f"{name} · {word}" for pk, name in benefits.items() for tier, word in tiers.items()}
    return benefits | of_tiers


def _held(prefix: str, at: datetime, condition: Q) -> dict[str, FilteredRelation]:
    return {prefix: FilteredRelation("balances", condition=Q(balances__is_open=True) & condition)}


def register_all() -> None:
    """Called once, when the app is ready."""
    DIMENSIONS.register_all([
        BalanceDimension(
            "benefit", _("Benefit"), lambda at: F("held__benefit_id"), _words, lambda at: _held("held", at, Q())
        ),
        BalanceDimension(
            "benefit_used", _("Benefit used in 30 days"), lambda at: F("used_lately__benefit_id"), _words,
            lambda at: _held("used_lately", at, Q(balances__last_used_at__gte=at - LATELY)),
            lambda at: Q(last_used_at__gte=at - LATELY),
        ),
        BalanceDimension(
            "benefit_limit", _("Benefit at its limit"), lambda at: F("used_up__benefit_id"), _words,
            lambda at: _held("used_up", at, Q(balances__granted__gt=0, balances__used__reaches="granted")),
            lambda at: Q(granted__gt=0, used__gte=F("granted")),
        ),
    ])  # fmt: skip
    NARROWINGS.register(Narrowing(USED_IN_MONTH, _("Benefit used in the month"), _used_in_month, _month_word))
