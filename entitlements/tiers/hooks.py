"""What tiers bring along."""

from operator import attrgetter

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.console.menu import BENEFITS, MENU, MenuEntry
from config.engine.actions import register_actions
from config.engine.brakes import GUARDED, GuardedRun
from entitlements.tiers import conditions, measures, timeline_source
from entitlements.tiers.audit_labels import LABELS
from entitlements.tiers.console import portrait, work
from entitlements.tiers.console.views.policies import POLICIES
from entitlements.tiers.models import ManualTier, TierBrake, TierChange, TierStanding
from members.imports.operations.undo import FOLLOWERS, Follower
from members.people.belongings import BELONGINGS, Belonging, register_staying


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    # One in force a member, whichever tier: of two the one that lasts longer.
    BELONGINGS.register(
        Belonging(
            ManualTier, _("Tiers given by hand"), equal_by=["ended_at"], among="ended_at IS NULL",
            prefer="until DESC NULLS FIRST",
        )
    )  # fmt: skip
    register_staying(TierStanding, "member", "assessed again from the facts, which move")
    register_staying(TierChange, "member", "append-only: the log says what was so at the time")
    for made_by_engine in (TierStanding, TierChange):
        FOLLOWERS.register(Follower(made_by_engine, blocking=Q(member=None)))
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
    MENU.register(MenuEntry(_("Earning tiers"), "tiers:overview", "diamond", BENEFITS, 30))
    POLICIES.register()
