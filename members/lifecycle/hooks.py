"""What the lifecycle brings along."""

from operator import attrgetter

from django.utils.translation import gettext_lazy as _

from config.console.cards import HOME, HomeCard
from config.console.work import WORK, WorkSource
from config.engine.brakes import GUARDED, GuardedRun
from members.lifecycle.console import home, work
from members.lifecycle.models import SweepBrake
from members.lifecycle.operations.following import LifecycleFollower
from members.people.followers import FOLLOWERS


def register() -> None:
    """Called once, when the app is ready."""
    FOLLOWERS.register(LifecycleFollower(), code="lifecycle")
    GUARDED.register(
        GuardedRun(
            SweepBrake,
            title=_("A sweep stopped: too many members would move"),
            page="members:brake",
            held_count=attrgetter("held_count"),
            limit_text=work.limit_text,
            held_href=work.held_by,
        )
    )
    WORK.register(WorkSource("lifecycle_policies", 20, work.policies))
    WORK.register(WorkSource("anomalies", 70, work.anomalies))
    HOME.register(HomeCard("lifecycle", 10, "members/includes/home_lifecycle.html", home.lifecycle, is_wide=True))
