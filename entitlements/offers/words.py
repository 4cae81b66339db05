"""Offers, refusals and faults in words."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.engine.money import money_text, project_currency
from config.engine.refusal import Refused, refusal_text
from entitlements.offers import rules

Text = str | Promise

# Why a coupon does not apply, or a step with an offer is refused. The figures in brackets come with the refusal.
REFUSALS: Mapping[str, Text] = {
    "unknown": gettext_lazy("The member has no such coupon."),
    "redeemed": gettext_lazy("This coupon is redeemed already."),
    "expired": gettext_lazy("This coupon has expired."),
    "revoked": gettext_lazy("This coupon was revoked."),
    "not_yet": gettext_lazy("This coupon is not valid yet."),
    "not_unused": gettext_lazy("Only an unused coupon can be taken back."),
    "offer_paused": gettext_lazy("The offer is paused; the coupon can be redeemed when it is active again."),
    "order_of_other_plan": gettext_lazy("This order number is booked with another plan."),
    "other_currency": gettext_lazy("The coupon is not valid for plans in another currency."),
    "plan_not_valid": gettext_lazy("The coupon is not valid for this plan."),
    "tier_not_valid": gettext_lazy("The coupon is not valid for the tier of this plan."),
    "plan_not_locked": gettext_lazy("The price of this plan is not among those the coupon holds."),
    "has_bought_before": gettext_lazy("The price is for a first purchase; the member has bought before."),
    "is_member_already": gettext_lazy("The discount is for newcomers; this one is or was a member."),
    "below_threshold": gettext_lazy("The discount needs a price of at least %(threshold)s."),
    "not_in_grace": gettext_lazy("The coupon is for the days of grace after the end of a term."),
    "nothing_to_renew": gettext_lazy("The discount is for a renewal; there is no paid term to renew."),
    "not_away": gettext_lazy("The offer is for who comes back; this one is covered, in grace, or was never a member."),
    "not_away_long_enough": gettext_lazy(
        "The offer begins %(days)s days after the end of the last term; it is %(away)s."
    ),
    "no_trial": gettext_lazy("There is no trial to lengthen, and none can start."),
    "no_points": gettext_lazy("The member has not enough points."),
    "no_discount": gettext_lazy("The coupon would take nothing off this price."),
    "budget_spent": gettext_lazy("The budget of the offer is spent."),
    "no_room": gettext_lazy("As many coupons as the offer allows are out."),
    "has_enough": gettext_lazy("The member has as many coupons of this offer as one may have."),
    "member_gone": gettext_lazy("This member was just merged into another one. Open the other one and try again."),
    "order_taken": gettext_lazy("This order number is booked already; an order takes one coupon."),
    "gift_has_no_day": gettext_lazy("What the coupon makes free of charge is a gift, and takes no day of its own."),
    "not_bookable": gettext_lazy("The term cannot be booked for the member as they are."),
    "not_active": gettext_lazy("The offer is not active, or past its end."),
    "running": gettext_lazy("The offer is being issued to a segment now. Wait until that is done, or stop it."),
    "not_now": gettext_lazy("The offer is not in a status that allows this. Reload the page."),
    "ended": gettext_lazy("An ended offer stays as it is."),
    "kind_fixed": gettext_lazy("Coupons of this offer are out; its kind stays."),
    "points_closed": gettext_lazy("Nothing keeps points yet, so none can be offset against a price."),
    "below_spent": gettext_lazy("More than this is spent already: %(spent)s."),
    "below_issued": gettext_lazy("More coupons than this are out already: %(issued)s."),
    "gone": gettext_lazy("There is no such offer."),
    "terms": gettext_lazy("The terms do not fit this kind of offer."),
}

FAULTS: Mapping[str, Text] = {
    "needed": gettext_lazy("This is needed."),
    "one_of_two": gettext_lazy("Either an amount or a percentage, not both."),
    "amount_or_percent": gettext_lazy("Say an amount or a percentage."),
    "bounds": gettext_lazy("This is out of bounds: percentages go to 100, days to 366."),
    "too_many_steps": gettext_lazy("At most 12 steps."),
    "steps_in_order": gettext_lazy("The days of the steps must rise from step to step."),
    "step_of_one_value": gettext_lazy("Each step takes either an amount or a percentage."),
}

# Why a run stopped before everybody had a coupon.
STOPS: Mapping[str, Text] = {
    "by_hand": gettext_lazy("Stopped by hand"),
    "not_active": REFUSALS["not_active"],
    "budget_spent": REFUSALS["budget_spent"],
    "no_room": REFUSALS["no_room"],
}

# What each kind is for, where one chooses.
PURPOSES: Mapping[str, Text] = {
    rules.FIRST_PURCHASE: gettext_lazy("A price of its own for who never bought."),
    rules.JOINING: gettext_lazy("Taken off at once for who joins."),
    rules.THRESHOLD: gettext_lazy("So much off from a price on."),
    rules.PRICE_LOCK: gettext_lazy("Today's prices hold until the coupon ends."),
    rules.GRACE: gettext_lazy("For the days of grace after the end of a term."),
    rules.RENEWAL: gettext_lazy("For who renews, early or in grace."),
    rules.RETURN_PACK: gettext_lazy("A discount and extra days for who was away."),
    rules.TRIAL: gettext_lazy("More days of trial, free of charge."),
    rules.LADDER: gettext_lazy("The longer away, the more: a discount by days since the last cover ended."),
    rules.POINTS: gettext_lazy("Points pay a part of the price."),
}


def refusal_with_amounts(refused: Refused) -> str:
    """Why a step is refused or a coupon does not apply; amounts in the project's currency."""
    cents = {name: value for name, value in refused.detail.items() if name.endswith("_cents")}
    amounts = {name.removesuffix("_cents"): amount(value) for name, value in cents.items()}
    return refusal_text(Refused(refused.code, **(refused.detail | amounts)), REFUSALS)


def amount(minor: int) -> str:
    """Minor units as money of the project's currency."""
    return money_text(minor, project_currency())


def off_text(amount_cents: int | None, percent: int | None, cap_cents: int | None) -> str:
    """So much off, in words."""
    if percent is None:
        return _("%(amount)s off") % {"amount": amount(amount_cents or 0)}
    if cap_cents is None:
        return _("%(percent)s%% off") % {"percent": percent}
    return _("%(percent)s%% off, at most %(amount)s") % {"percent": percent, "amount": amount(cap_cents)}


def quote_text(quote: rules.Quote) -> str:
    """What is paid with a coupon, and what comes with it."""
    parts = [
        _("%(total)s instead of %(price)s") % {"total": amount(quote.total_cents), "price": amount(quote.price_cents)}
    ]
    if quote.days:
        parts.append(_("%(days)s more") % {"days": days_text(quote.days)})
    if quote.points:
        parts.append(ngettext("%(n)s point", "%(n)s points", quote.points) % {"n": quote.points})
    return " · ".join(parts)


def days_text(days: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


def promise_lines(terms: rules.Terms) -> list[str]:
    """What the terms promise, a line each; plans and tiers are named by the page."""
    lines = []
    if terms.price_cents is not None:
        lines.append(_("For %(amount)s") % {"amount": amount(terms.price_cents)})
    if terms.kind == rules.PRICE_LOCK and terms.price_cents is None:
        lines.append(_("For the price on the day of issue"))
    if terms.kind == rules.POINTS:
        lines.append(
            _("1 point pays %(amount)s, up to %(percent)s%% of the price")
            % {"amount": amount(terms.cents_per_point or 0), "percent": terms.percent}
        )
    elif terms.amount_cents or terms.percent:
        lines.append(off_text(terms.amount_cents, terms.percent, terms.cap_cents))
    if terms.threshold_cents:
        lines.append(_("From a price of %(amount)s on") % {"amount": amount(terms.threshold_cents)})
    if terms.days_away:
        lines.append(_("From %(days)s away on") % {"days": days_text(terms.days_away)})
    if terms.days or terms.bonus_days:
        lines.append(_("%(days)s more") % {"days": days_text(terms.days or terms.bonus_days or 0)})
    return lines + [
        _("From %(days)s away on: %(off)s")
        % {"days": days_text(step.days_away), "off": off_text(step.amount_cents, step.percent, step.cap_cents)}
        for step in terms.steps
    ]
