"""What seats bring along."""

from config.audit.labels import register_actions
from entitlements.seats import belongings, conditions, timeline_source
from entitlements.seats.audit_labels import LABELS
from entitlements.seats.console import portrait


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    belongings.register_all()
    conditions.register_all()
    timeline_source.register()
    portrait.register()
