"""What tiers bring to the doors of members and the console."""

from config.audit.labels import register_actions
from entitlements.tiers import belongings, conditions, measures, timeline_source
from entitlements.tiers.audit_labels import LABELS
from entitlements.tiers.console import portrait


def register_all() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    belongings.register_all()
    measures.register_own()
    conditions.register_all()
    portrait.register()
    timeline_source.register()
