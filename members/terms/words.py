"""Why a step with terms is refused, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "nothing_to_renew": _("There is no earlier paid, gift or compensation term with a known plan to renew."),
    "plan_has_no_trial": _("This plan has no trial days."),
    "already_covered": _("The member has a term already; a trial is for people without one."),
    "days_out_of_range": _("Between 1 and 366 days."),
    "nothing_to_extend": _("The member never had a term, so there is nothing to extend. Give a term instead."),
    "not_refundable": _("Only a paid term that is not closed yet can be refunded."),
    "reason_missing": _("Say why."),
    "not_running": _("The tier of a running term can be changed, to another tier."),
    "member_merged": _("This member was just merged into another one. Open the other one and try again."),
    "external_ref_taken": _("This order number belongs to another member."),
    "order_reserved": _("Numbers that begin with “house:” are given by the system itself. Use another one."),
    "no_time_left": _("That time is over; there is nothing left to lend."),
    "not_lent": _("This term was bought, tried or given, so it is not taken back as lent."),
}
