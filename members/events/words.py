"""Why messages of a program are not taken."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: Mapping[str, str | Promise] = {
    "unauthorized": _("No valid key was given."),
    "unreadable": _("The body is not the JSON it should be."),
    "not_a_batch": _("A batch is an object with a list of messages."),
    "too_many_messages": _("A batch holds at most %(limit)s messages."),
}
