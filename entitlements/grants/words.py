"""Why nothing is given or taken back, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "archived": _("This benefit is archived. Offer it again first, or choose another one."),
    "over": _("It would have expired already. Choose a later day."),
    "not_sold": _("This pack is not sold any more. Choose another one."),
    "by_engine": _("The ladder gives this. Change the ladder, or the member's terms."),
    "voided": _("This grant is over already."),
}
