from django.apps import AppConfig
from django.core.validators import validate_slug
from django.utils.translation import gettext_lazy as _


class StaffConfig(AppConfig):
    """The ground floor: who acted, what they may do, and the audit log. Imports no other app."""

    name = "config.staff"
    label = "staff"
    verbose_name = _("Staff")

    def ready(self) -> None:
        # One validator is behind every code; Django's words for it speak of slugs, in Chinese of fields.
        validate_slug.message = _("Use letters without accents, digits, hyphens and underscores only.")
