"""What offers and partner codes bring to the doors of members and the console."""

from config.staff.actions import register_actions
from entitlements.codes import timeline_source as code_timeline
from entitlements.offers import belongings, conditions, portrait, scope, timeline_source
from entitlements.offers.audit_labels import LABELS


def register_all() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    belongings.register_all()
    conditions.register_all()
    timeline_source.register()
    code_timeline.register()
    portrait.register()
    scope.register()
