from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EntitlementsConfig(AppConfig):
    name = "entitlements"
    verbose_name = _("Entitlements")

    def ready(self) -> None:
        from config.staff.actions import register_actions
        from entitlements.tiers import belongings, conditions, measures, portrait, timeline_source
        from entitlements.tiers.audit_labels import LABELS

        register_actions(LABELS)
        belongings.register_all()
        measures.register_own()
        conditions.register_all()
        portrait.register()
        timeline_source.register()
