"""What the lifecycle brings along."""

from operator import attrgetter

from django.utils.translation import gettext_lazy as _

from config.console.cards import HOME, HomeCard
from config.console.menu import MENU, OPERATIONS, MenuEntry
from config.console.palette import ACTIONS, PaletteAction
from config.console.work import WORK, WorkSource
from config.engine.brakes import GUARDED, GuardedRun
from config.staff.access import Permission
from members.lifecycle.console import home, work
from members.lifecycle.console.pages import POLICIES
from members.lifecycle.models import LifecycleTransition, MemberLifecycle, SweepBrake
from members.lifecycle.operations.following import LifecycleFollower
from members.people.belongings import register_staying
from members.people.followers import FOLLOWERS


def register() -> None:
    """Called once, when the app is ready."""
    register_staying(LifecycleTransition, "member", "append-only: the log says what was so at the time")
    register_staying(MemberLifecycle, "member", "kept in the merge's record: who has no such row is nowhere a member")
    FOLLOWERS.register(LifecycleFollower(), code="lifecycle")
    GUARDED.register(
        GuardedRun(
            SweepBrake,
            title=_("A sweep stopped: too many members would move"),
            page="members:brake",
            held_count=attrgetter("held_now"),
            limit_text=work.limit_text,
            held_href=work.held_by,
            counted=work.with_held,
        )
    )
    POLICIES.register()
    WORK.register(WorkSource("anomalies", 70, work.anomalies))
    HOME.register(HomeCard("lifecycle", 10, "members/includes/home_lifecycle.html", home.lifecycle, is_wide=True))
    MENU.register(MenuEntry(_("Lifecycle policy"), "members:policies", "route", OPERATIONS, 20))
    ACTIONS.register(
        PaletteAction(
            _("Propose a lifecycle policy"),
            "members:policy-new",
            "route",
            30,
            Permission.PROPOSE_POLICY,
            "threshold 策略 阈值",
        )
    )
    ACTIONS.register(PaletteAction(_("Anomalies"), "members:anomalies", "alert-triangle", 40, also="anomaly 异常"))
