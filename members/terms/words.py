"""Why a step with terms is refused, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "nothing_to_renew": _(
        "Nothing runs and nothing was paid for before whose plan is known, so there is nothing to renew."
    ),
    "plan_has_no_trial": _("This plan has no trial days."),
    "already_covered": _("The member has a term already; a trial is for people without one."),
    "days_out_of_range": _("Between 1 and 366 days."),
    "nothing_to_extend": _("The member never had a term, so there is nothing to extend. Give a term instead."),
    "settling": _("An automatic renewal may still arrive; a trial cannot start before that is settled."),
    "trial_used": _("The member had a trial already. Another one needs a reason."),
    "lower_than_running": _("Only a tier that is not below what runs can start now."),
    "not_refundable": _("Only an order that was paid and not voided can be refunded."),
    "nothing_paid": _("Nothing was paid for this order; it can only be voided."),
    "more_than_paid": _("At most what was paid, less what went back before."),
    "refunded_in_full": _("Everything went back already; a refunded order cannot be voided."),
    "refunded_before": _("More was refunded under this order number than it would cost now."),
    "reason_missing": _("Say why."),
    "not_running": _("Nothing is left of this term, or it is in that tier already."),
    "lent": _("Lent cover ends with its seat."),
    "beyond_calendar": _("The calendar does not reach that far."),
    "member_merged": _("This member was just merged into another one. Open the other one and try again."),
    "external_ref_taken": _("This order number belongs to another member."),
    "order_reserved": _("Numbers that begin with “house:” are given by the system itself. Use another one."),
    "order_of_other_plan": _("This order number is booked with another plan."),
    "order_of_other_price": _("This order number is booked at another price."),
    "order_of_other_currency": _("This order number is booked in another currency."),
    "no_time_left": _("That time is over; there is nothing left to lend."),
    "not_lent": _("This term was bought, tried or given, so it is not taken back as lent."),
}
