from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = _("Campaigns")

    def ready(self) -> None:
        from campaigns import belongings, import_undo, policy_effects, segment_reach, timeline_source
        from campaigns.audit_labels import LABELS
        from config.audit.labels import register_actions

        register_actions(LABELS)
        timeline_source.register()
        policy_effects.register()
        import_undo.register()
        segment_reach.register()
        belongings.register()
