from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EntitlementsConfig(AppConfig):
    name = "entitlements"
    verbose_name = _("Entitlements")

    def ready(self) -> None:
        from config.staff.actions import register_actions
        from entitlements.codes import timeline_source as code_timeline
        from entitlements.offers import belongings, conditions, portrait, scope, timeline_source
        from entitlements.offers.audit_labels import LABELS

        register_actions(LABELS)
        belongings.register_all()
        conditions.register_all()
        timeline_source.register()
        code_timeline.register()
        portrait.register()
        scope.register()
