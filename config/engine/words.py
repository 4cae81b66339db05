"""Why a step of a reviewed version is refused, and why an amount cannot be read."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "no_preview": _("Look at the preview first: nobody approves what was not looked at."),
    "same_person": _("You wrote, changed or submitted part of this version, so somebody else has to approve it."),
    "reason_needed": _("You are the only one who may approve. Say why you approve your own version."),
    "not_waiting": _("Somebody else decided meanwhile; the page shows how it stands now."),
    "past": _("That moment is over; leave it empty for at once."),
    "busy": _("Somebody is changing this right now. Try again in a moment."),
    "unchanged": _("Nothing differs from the version in force."),
    "not_an_amount": _("Write an amount, like 268 or 268.50."),
    "unknown_currency": _("The amount cannot be read without its currency."),
    "no_decimals": _("%(currency)s has no decimals."),
    "too_many_decimals": _("%(currency)s has %(digits)s decimals at most."),
    "negative_amount": _("An amount is not below 0."),
    "amount_too_large": _("This amount is too large."),
}
