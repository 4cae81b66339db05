"""What tiers bring to the doors of members and the console."""

from config.staff.actions import register_actions
from entitlements.tiers import belongings, conditions, measures, portrait, timeline_source
from entitlements.tiers.audit_labels import LABELS


def register_all() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    belongings.register_all()
    measures.register_own()
    conditions.register_all()
    portrait.register()
    timeline_source.register()
