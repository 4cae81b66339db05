"""What tiers bring along."""

from operator import attrgetter

from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from config.console.work import WORK, WorkSource
from config.engine.actions import register_actions
from config.engine.brakes import GUARDED, GuardedRun
from entitlements.tiers import belongings, conditions, measures, timeline_source
from entitlements.tiers.audit_labels import LABELS
from entitlements.tiers.console import portrait, work
from entitlements.tiers.models import TierBrake


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    belongings.register_all()
    measures.register_own()
    conditions.register_all()
    portrait.register()
    timeline_source.register()
    GUARDED.register(
        GuardedRun(
            TierBrake,
            title=_("An assessment of tiers stopped: too many members would move"),
            page="tiers:brake",
            held_count=attrgetter("moved_count"),
            limit_text=work.limit_text,
        )
    )
    WORK.register(WorkSource("tier_policies", 21, work.policies))
    MENU.register(MenuEntry(_("Earning tiers"), "tiers:overview", "diamond", BENEFITS, 30))
