from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EntitlementsConfig(AppConfig):
    name = "entitlements"
    verbose_name = _("Entitlements")

    def ready(self) -> None:
        from config.staff.actions import register_actions
        from entitlements.audit_labels import LABELS
        from entitlements.tiers import measures

        register_actions(LABELS)
        measures.register_own()
