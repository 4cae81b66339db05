from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EntitlementsConfig(AppConfig):
    name = "entitlements"
    verbose_name = _("Entitlements")

    def ready(self) -> None:
        from config.staff.actions import register_actions
        from entitlements import belongings, conditions
        from entitlements.audit_labels import LABELS

        register_actions(LABELS)
        belongings.register_all()
        conditions.register_all()
