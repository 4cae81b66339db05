from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EntitlementsConfig(AppConfig):
    name = "entitlements"
    verbose_name = _("Entitlements")

    def ready(self) -> None:
        from config.engine.actions import register_actions
        from entitlements import timeline_sources
        from entitlements.audit_labels import LABELS
        from entitlements.benefits import hooks as benefits
        from entitlements.checks import hooks as checks
        from entitlements.codes import hooks as codes
        from entitlements.grants import hooks as grants
        from entitlements.honours import hooks as honours
        from entitlements.insight import dimensions
        from entitlements.ladder import hooks as ladder
        from entitlements.memory import hooks as memory
        from entitlements.offers import hooks as offers
        from entitlements.seats import hooks as seats
        from entitlements.tiers import hooks as tiers
        from entitlements.usage import hooks as usage

        register_actions(LABELS)
        dimensions.register_all()
        timeline_sources.register_all()
        for room in (grants, usage, benefits, ladder, tiers, offers, codes, memory, seats, honours, checks):
            room.register()
