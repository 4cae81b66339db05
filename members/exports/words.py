"""Why an export is not made, and what to do."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "too_many_rows": _("An XLSX sheet holds %(limit)s rows; take CSV."),
}
