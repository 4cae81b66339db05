"""What offers and partner codes bring to the doors of members and the console."""

from config.audit.labels import register_actions
from entitlements.codes import timeline_source as code_timeline
from entitlements.offers import belongings, conditions, scope, timeline_source
from entitlements.offers.audit_labels import LABELS
from entitlements.offers.console import portrait


def register_all() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    belongings.register_all()
    conditions.register_all()
    timeline_source.register()
    code_timeline.register()
    portrait.register()
    scope.register()
