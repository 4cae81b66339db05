from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EntitlementsConfig(AppConfig):
    name = "entitlements"
    verbose_name = _("Entitlements")

    def ready(self) -> None:
        from config.audit.labels import register_actions
        from entitlements import belongings, conditions, import_undo, timeline_sources
        from entitlements.audit_labels import LABELS
        from entitlements.grants.console.portrait import MemberBenefits
        from entitlements.honours import registration as honours
        from entitlements.insight import dimensions
        from entitlements.ladder import dimensions as ladder
        from entitlements.memory import registration as memory
        from entitlements.offers import registration as offers
        from entitlements.seats import registration as seats
        from entitlements.tiers import registration as tiers
        from entitlements.usage import scope
        from members.people.console import cards

        register_actions(LABELS)
        belongings.register_all()
        import_undo.register()
        conditions.register_all()
        dimensions.register_all()
        ladder.register_all()
        timeline_sources.register_all()
        cards.register("benefits", "benefits/includes/card.html", MemberBenefits)
        scope.register()
        tiers.register_all()
        offers.register_all()
        memory.register_all()
        seats.register_all()
        honours.register_all()
