from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    """The ground floor: who acted, what they may do, and the audit log. Imports no other app."""

    name = "config.staff"
    label = "staff"
    verbose_name = _("Staff")
