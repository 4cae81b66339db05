"""What tiers bring along."""

from collections.abc import Sequence
from datetime import datetime
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
from entitlements.tiers.models import ManualTier, TierArrival, TierBrake, TierChange, TierJudgement, TierStanding
from entitlements.tiers.operations import assessing
from members.imports.operations.undo import FOLLOWERS, Follower
from members.people.belongings import BELONGINGS, ENGINES, Belonging, Engine, register_staying


def register() -> None:
    """Called once, when the app is ready."""
    register_actions(LABELS)
    # Of two the higher counts, and the other stands behind it.
    BELONGINGS.register(Belonging(ManualTier, _("Tiers given by hand")))
    ENGINES.register(Engine("tiers", _catch_up, is_source=True))
    register_staying(TierStanding, "member", "assessed again from the facts, which move")
    register_staying(TierJudgement, "member", "what was judged of each; a merge begins from the higher")
    register_staying(TierArrival, "member", "facts noted for the next look; a merge has both looked at anew")
    register_staying(TierChange, "member", "append-only: the log says what was so at the time")
    for made_by_engine in (TierStanding, TierJudgement, TierArrival, TierChange):
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
            held_href=work.held_by,
        )
    )
    MENU.register(MenuEntry(_("Earning tiers"), "tiers:overview", "diamond", BENEFITS, 30))
    POLICIES.register()


def _catch_up(member_ids: Sequence[int], at: datetime) -> None:
    assessing.catch_up(member_ids=member_ids, at=at)
