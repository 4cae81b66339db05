"""Conditions on the lifecycle: where a member stands, stood, and what moved lately."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from django.db.models import Case, CharField, Exists, OuterRef, Q, QuerySet, Subquery, TextChoices, Value, When
from django.db.models.expressions import Combinable
from django.db.models.lookups import In
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import Field as Limits

from members.lifecycle.lifecycle import STAGE_OF, Stage, State
from members.lifecycle.metrics import members_by_state
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.segments.conditions.bases import IS_OR_IS_NOT, ChoiceCondition, MomentCondition
from members.segments.registry import Choice, Condition, Context, Evidence, Fact, Field, FieldType
from members.segments.timing import Instant, Known, Span, written
from members.segments.value_tests import joined

LIFECYCLE = gettext_lazy("Lifecycle")

States = Annotated[list[State], Limits(min_length=1, max_length=len(State))]
Stages = Annotated[list[Stage], Limits(min_length=1, max_length=len(Stage))]


def _states() -> list[Choice]:
    counts = members_by_state()
    return [Choice(state.value, state.label, counts[state]) for state in State]


def _stages() -> list[Choice]:
    counts = members_by_state()
    return [
        Choice(stage.value, stage.label, sum(n for state, n in counts.items() if STAGE_OF[state] == stage))
        for stage in Stage
    ]


STATES = Field("values", gettext_lazy("States"), FieldType.MULTI_CHOICE, _states)


def _labels(values: Sequence[TextChoices]) -> list[str]:
    return [str(value.label) for value in values]


def _state_label(state: str | None) -> Any:
    return State(state).label if state else None


def _current(member_ids: Sequence[int]) -> Evidence:
    rows = MemberLifecycle.objects.filter(pk__in=member_ids).values_list("pk", "lifecycle_state", "state_since")
    return {
        pk: [Fact(gettext_lazy("Lifecycle state"), _state_label(state)), Fact(gettext_lazy("Since"), since)]
        for pk, state, since in rows
    }


class InState(ChoiceCondition):
    kind: Literal["lifecycle.state"]
    values: States
    label = gettext_lazy("Lifecycle state")
    group = LIFECYCLE
    path = "lifecycle__lifecycle_state"
    fields = (IS_OR_IS_NOT, STATES)

    def names(self) -> list[str]:
        return _labels(self.values)

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return _current(member_ids)


class InStage(ChoiceCondition):
    kind: Literal["lifecycle.stage"]
    values: Stages
    label = gettext_lazy("Stage")
    group = LIFECYCLE
    path = "lifecycle__lifecycle_state"
    narrows = False
    fields = (IS_OR_IS_NOT, Field("values", gettext_lazy("Stages"), FieldType.MULTI_CHOICE, _stages))

    def subject(self) -> Combinable:
        cases = [When(**{self.path: state}, then=Value(stage.value)) for state, stage in STAGE_OF.items()]
        return Case(*cases, default=None, output_field=CharField())

    def names(self) -> list[str]:
        return _labels(self.values)

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        return _current(member_ids)


class Entered(Condition):
    """Came into one of some states within a span before now, wherever the member is now."""

    kind: Literal["lifecycle.entered"]
    values: States
    within: Span
    label = gettext_lazy("Entered a state")
    group = LIFECYCLE
    narrows = True
    fields = (STATES, Field("within", gettext_lazy("Within the last"), FieldType.DURATION))

    def _moves(self, context: Context) -> Any:
        return LifecycleTransition.objects.filter(
            to_state__in=self.values, effective_at__gte=context.at - self.within.length, effective_at__lte=context.at
        )

    def compile(self, context: Context) -> Q:
        return Q(Exists(self._moves(context).filter(member_id=OuterRef("pk"))))

    def sentence(self) -> str:
        return _("became %(values)s within the last %(span)s") % {
            "values": joined(_labels(self.values)),
            "span": self.within.span_words(),
        }

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        found: dict[int, list[Fact]] = {pk: [] for pk in member_ids}
        for move in self._moves(context).filter(member_id__in=member_ids).order_by("effective_at", "pk"):
            found[move.member_id].append(Fact(_state_label(move.to_state), move.effective_at))
        return found


class WasIn(Condition):
    """Was in one of some states at a past instant, by the log of moves."""

    kind: Literal["lifecycle.was"]
    values: States
    instant: Instant
    label = gettext_lazy("Was in a state")
    group = LIFECYCLE
    fields = (STATES, Field("instant", gettext_lazy("At"), FieldType.INSTANT))

    def compile(self, context: Context) -> Q:
        if not context.is_narrowed:
            return Q(pk__in=self._moved_in())
        # Few members are left: each one's last move is looked up.
        last = LifecycleTransition.objects.filter(member_id=OuterRef("pk"), effective_at__lte=self.instant)
        state = last.order_by("-effective_at", "-pk").values("to_state")[:1]
        return Q(In(Subquery(state, output_field=CharField()), list(self.values)))

    def member_ids(self, context: Context) -> QuerySet | None:
        return self._moved_in()

    def _moved_in(self) -> QuerySet:
        """Who moved into one of the states by then and not on: in one pass over the log."""
        moves = LifecycleTransition.objects.filter(effective_at__lte=self.instant)
        later = Q(effective_at__gt=OuterRef("effective_at")) | Q(
            effective_at=OuterRef("effective_at"), pk__gt=OuterRef("pk")
        )
        on = moves.filter(later, member_id=OuterRef("member_id"))
        return moves.filter(~Exists(on), to_state__in=self.values).order_by().values("member_id")

    def sentence(self) -> str:
        return _("was %(values)s at %(instant)s") % {
            "values": joined(_labels(self.values)),
            "instant": written(self.instant),
        }

    def evidence(self, member_ids: Sequence[int], context: Context) -> Evidence:
        moves = LifecycleTransition.objects.filter(member_id__in=member_ids, effective_at__lte=self.instant)
        last = moves.order_by("member_id", "-effective_at", "-pk").distinct("member_id")
        found = {move.member_id: [Fact(_state_label(move.to_state), move.effective_at)] for move in last}
        return {pk: found.get(pk, [Fact(gettext_lazy("Lifecycle state"), None)]) for pk in member_ids}


class StateSince(MomentCondition):
    kind: Literal["lifecycle.since"]
    label = gettext_lazy("In the present state since")
    group = LIFECYCLE
    path = "lifecycle__state_since"


class LastActive(MomentCondition):
    kind: Literal["lifecycle.last_active"]
    label = gettext_lazy("Last active")
    group = LIFECYCLE
    path = "lifecycle__last_active_time"
    without = gettext_lazy("not those who were never active")

    def sentence(self) -> str:
        if isinstance(self.when, Known):
            return _("was ever active") if self.when.op == "known" else _("was never active")
        return super().sentence()


ALL = (InState, InStage, Entered, WasIn, StateSince, LastActive)
