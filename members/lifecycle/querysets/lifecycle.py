import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Least

from config.engine.prepared import execute_prepared
from members.lifecycle.lifecycle import STAGE_OF, Stage
from members.lifecycle.querysets.assessment import Tables, explain_sql, round_sql

Matrix = Counter[tuple[str | None, str]]


@dataclass(frozen=True)
class Round:
    """What one engine statement did: members judged, how many of them are due again, and the moves it logged."""

    judged: int
    due_again: int
    moves: Matrix


@dataclass(frozen=True)
class Explanation:
    """What the engine decides for one member at an instant, and the facts it saw."""

    member_id: int
    state: str | None
    target: str
    rule: str
    move: str | None
    facts: dict[str, Any]
    next_look_at: datetime | None


class LifecycleQuerySet(models.QuerySet):
    def due(self, at: datetime) -> "LifecycleQuerySet":
        """Rows the sweep would judge at ``at``; those held by a brake are not due."""
        return self.filter(next_due_at__isnull=False, next_due_at__lte=at, brake__isnull=True)

    def placed(self) -> "LifecycleQuerySet":
        return self.filter(lifecycle_state__isnull=False)

    def anomalous(self) -> "LifecycleQuerySet":
        """Members whose computed state no declared edge reaches."""
        return self.filter(target_state__isnull=False).exclude(lifecycle_state=F("target_state"))

    def in_stage(self, stage: str) -> "LifecycleQuerySet":
        return self.filter(lifecycle_state__in=[state for state, s in STAGE_OF.items() if s == Stage(stage)])

    def mark_due(self, at: datetime) -> int:
        """Bring the next look forward to ``at``."""
        return self.update(next_due_at=Least(Coalesce(F("next_due_at"), Value(at)), Value(at)))

    def hold_due(self, at: datetime, brake_id: int) -> int:
        """Park every due row under a brake; it is not judged again until the brake is decided."""
        return self.due(at).update(brake_id=brake_id)

    def judge_round(self, params: Mapping[str, Any], *, only_members: bool, tables: Tables | None = None) -> Round:
        """Run one engine statement with ``params`` (see ``members.lifecycle.operations.sweep.parameters``).

        Safe to run concurrently: rows are claimed with ``SKIP LOCKED``. For a few named members planning would cost
        ten times the work, so that form is prepared once a connection, with a generic plan.
        """
        sql = round_sql(tables or Tables(), only_members=only_members)
        if only_members:
            with transaction.atomic():
                rows = execute_prepared(sql, params)
        else:
            with transaction.atomic(), connection.cursor() as cursor:
                # Rows are looked up by the due members' keys and lie in memory; by default whole tables would be read.
                cursor.execute("SET LOCAL random_page_cost = 0.1")
                cursor.execute(sql, params)
                rows = cursor.fetchall()
        moves: Matrix = Counter({(source, target): n for source, target, n, _ in rows if target is not None})
        judged, due_again = next((n, again) for _, target, n, again in rows if target is None)
        return Round(judged=judged, due_again=due_again, moves=moves)

    def explain_states(self, member_ids: Iterable[int], params: Mapping[str, Any]) -> list[Explanation]:
        """Judge members at ``params["at"]`` without writing anything."""
        with connection.cursor() as cursor:
            cursor.execute(explain_sql(), {**params, "members": list(member_ids)})
            rows = cursor.fetchall()
        return [
            Explanation(m, state, target, rule, move, facts if isinstance(facts, dict) else json.loads(facts), look)
            for m, state, target, rule, move, facts, look in rows
        ]


class TransitionQuerySet(models.QuerySet):
    def moves(self) -> "TransitionQuerySet":
        """Real changes, without first placements."""
        return self.filter(from_state__isnull=False)

    def effective_between(self, start: datetime, end: datetime) -> "TransitionQuerySet":
        return self.filter(effective_at__gte=start, effective_at__lt=end)

    def conversions(self) -> "TransitionQuerySet":
        """First purchases: a paid term by someone who never had an unrefunded one."""
        return self.filter(Q(to_state="first_paid"), facts__conversion=True)
