from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    """Who did what, and what that is called. Stands on the accounts alone."""

    name = "config.audit"
    label = "audit"
    verbose_name = _("Audit log")
