"""The lifecycle graph: eight states in five stages and the one table of moves between them.

Two executors read this table: ``django-fsm`` for one member, the set-based sweep for any number. A database
trigger, generated from it, refuses every other edge.
"""

from collections.abc import Sequence

from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from config.engine.moves import Move, edges
from config.staff.access import Permission


class Stage(TextChoices):
    AWARENESS = "awareness", _("Awareness")
    CONVERSION = "conversion", _("Conversion")
    GROWTH = "growth", _("Growth")
    STABLE = "stable", _("Stable stage")
    CHURN = "churn", _("Churn")


class State(TextChoices):
    PROSPECT = "prospect", _("Prospect")
    TRIAL = "trial", _("Trial")
    FIRST_PAID = "first_paid", _("First paid")
    HIGHLY_ACTIVE = "highly_active", _("Highly active")
    STABLE = "stable", _("Stable")
    EXPIRING = "expiring", _("Expiring")
    EXPIRED = "expired", _("Expired")
    CHURNED = "churned", _("Churned")


class MembershipStatus(TextChoices):
    NONE = "none", _("None")
    TRIALING = "trialing", _("Trialing")
    ACTIVE = "active", _("Active")
    GRACE = "grace", _("In grace")
    EXPIRED = "expired", _("Lapsed")


class Rule(TextChoices):
    """Why a state was computed: the rule of the policy that matched first."""

    TRIAL_TERM = "trial_term", _("A trial term is running")
    TRIAL_RESUMED = "trial_resumed", _("A void brought back the trial")
    WINDOW = "window", _("The term ends inside the reminder window and will not renew")
    SILENT = "silent", _("Silent under a live term")
    TENURE = "tenure", _("Long unbroken tenure with regular use")
    ACTIVE_DAYS = "active_days", _("Active on many of the last days")
    PAID_TERM = "paid_term", _("A paid, gift or compensation term is running")
    RESUMED = "resumed", _("Back to the state before")
    KEPT = "kept", _("Still above the keep threshold")
    SETTLING = "settling", _("Automatic renewal is being settled")
    LAPSED = "lapsed", _("The last term ended recently")
    LONG_GONE = "long_gone", _("The last term ended long ago")
    UNINSTALLED = "uninstalled", _("The app was uninstalled after the term ended")
    UPCOMING = "upcoming", _("The first term is still to begin")
    NO_TERM = "no_term", _("Never had a term")
    ALL_VOIDED = "all_voided", _("All terms were voided")


STAGE_OF: dict[str, Stage] = {
    State.PROSPECT: Stage.AWARENESS,
    State.TRIAL: Stage.CONVERSION,
    State.FIRST_PAID: Stage.GROWTH,
    State.HIGHLY_ACTIVE: Stage.GROWTH,
    State.STABLE: Stage.STABLE,
    State.EXPIRING: Stage.CHURN,
    State.EXPIRED: Stage.CHURN,
    State.CHURNED: Stage.CHURN,
}

# States a member can be brought back to from expiring, grace or silence.
RESUMABLE = (State.FIRST_PAID, State.HIGHLY_ACTIVE, State.STABLE)


def _move(
    name: str,
    sources: Sequence[State | None],
    target: State,
    guard: Q | None = None,
    permission: Permission = Permission.OPERATE,
) -> Move:
    """A move to what the engine computed for the row: without that no state is ever written."""
    computed = Q(target_state=target.value)
    return Move.make(name, sources, target, computed & guard if guard else computed, permission)


_LIVE = [State.FIRST_PAID, State.HIGHLY_ACTIVE, State.STABLE]
_STARTS = Q(target_rule=Rule.PAID_TERM.value)
_RESUMES = Q(target_rule=Rule.RESUMED.value)

MOVES: tuple[Move, ...] = (
    *(_move(f"place_{state.value}", [None], state) for state in State),
    *(
        _move(f"backfill_{state.value}", [State.PROSPECT], state)
        for state in State
        if state not in (State.PROSPECT, State.TRIAL, State.FIRST_PAID)
    ),
    _move("start_trial", [State.PROSPECT, State.EXPIRED, State.CHURNED], State.TRIAL),
    _move("resume_trial", [*_LIVE, State.EXPIRING], State.TRIAL, Q(target_rule=Rule.TRIAL_RESUMED.value)),
    _move("start_paid", [State.PROSPECT, State.TRIAL, State.EXPIRED], State.FIRST_PAID, _STARTS),
    _move("win_back", [State.CHURNED], State.FIRST_PAID, _STARTS),
    _move("become_highly_active", [State.FIRST_PAID], State.HIGHLY_ACTIVE),
    _move("cool_down", [State.HIGHLY_ACTIVE], State.FIRST_PAID),
    _move("become_stable", [State.FIRST_PAID, State.HIGHLY_ACTIVE], State.STABLE),
    _move("enter_expiring", [*_LIVE, State.CHURNED], State.EXPIRING),
    _move("lapse", [State.TRIAL, *_LIVE, State.EXPIRING, State.CHURNED], State.EXPIRED),
    _move("fall_silent", _LIVE, State.CHURNED, Q(target_rule=Rule.SILENT.value)),
    _move("churn", [State.EXPIRED], State.CHURNED),
    *(
        _move(f"resume_{state.value}", [State.EXPIRING, State.EXPIRED, State.CHURNED], state, _RESUMES)
        for state in RESUMABLE
    ),
    _move(
        "void_all",
        [state for state in State if state != State.PROSPECT],
        State.PROSPECT,
        Q(target_rule=Rule.ALL_VOIDED.value),
        permission=Permission.ADMINISTER,
    ),
)

EDGES = edges(MOVES)


def moves_between(source: str | None, target: str) -> list[Move]:
    """The declared moves from ``source`` to ``target``, in table order."""
    return [move for move in MOVES if source in move.sources and move.target == target]
