"""The move: one declared edge of a state machine, and what its two executors make of it.

Each machine is a table of moves in its room's ``lifecycle``. ``declare`` makes them django-fsm transitions of a model,
for one object at a time; ``MovingQuerySet.apply`` and, in hand-written statements, ``source_sql`` and ``guard_sql`` put
the same preconditions before a change of sets. The database refuses every other edge: ``config.engine.guards``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from django.db import connection
from django.db.models import Model, Q, QuerySet, TextChoices, Value
from django_fsm import FSMField, transition

from config.staff.access import Permission

# The attribute of a model under which ``declare`` keeps its tables.
_TABLES = "_tables_of_moves"


@dataclass(frozen=True)
class Move:
    """One declared edge family: from any of ``sources`` to ``target`` when ``guard`` holds.

    ``guard`` names columns of the row itself only (after a lock wait PostgreSQL re-checks the row, not subqueries).
    ``None`` among the sources is an object that has no state yet.
    """

    name: str
    sources: frozenset[str | None]
    target: TextChoices
    guard: Q = field(default_factory=Q, compare=False)
    permission: Permission = Permission.OPERATE

    @classmethod
    def make(
        cls,
        name: str,
        sources: Iterable[TextChoices | None],
        target: TextChoices,
        guard: Q | None = None,
        permission: Permission = Permission.OPERATE,
    ) -> "Move":
        """A move with its sources as plain strings, which triggers and both executors compare."""
        plain = frozenset(None if source is None else str(source.value) for source in sources)
        return cls(name, plain, target, guard or Q(), permission)

    def holds(self, row: Model) -> bool:
        """Whether the guard holds for ``row`` as it stands in memory, as the database would judge it."""
        columns = {f.attname: Value(getattr(row, f.attname), output_field=f) for f in row._meta.concrete_fields}
        return self.guard.check(columns)


def edges(moves: Iterable[Move]) -> frozenset[tuple[str | None, str]]:
    """Every (source, target) that some move declares."""
    return frozenset((source, move.target.value) for move in moves for source in move.sources)


def declare(model: type[Model], column: str, moves: Iterable[Move]) -> None:
    """Give ``model`` a django-fsm transition on its state ``column`` for every move, under the move's name."""
    table = tuple(moves)
    for move in table:
        _declare(model, column, move)
    setattr(model, _TABLES, {**moves_of(model), column: table})


def moves_of(model: type[Model]) -> dict[str, tuple[Move, ...]]:
    """The tables that were declared for ``model`` or what it inherits from, by the column of the state."""
    return getattr(model, _TABLES, {})


def make_move(row: Model, move: Move) -> None:
    """Put ``row`` in memory into the move's target; the caller saves. Raises django-fsm's TransitionNotAllowed."""
    getattr(row, move.name)()


class MovingQuerySet(QuerySet):
    """Rows that move by a table, in statements over sets."""

    state_column = "status"

    def apply(self, move: Move, **changes: Any) -> int:
        """Make ``move`` on every row that may, in one statement; returns how many did."""
        sources = [source for source in move.sources if source is not None]
        may = self.filter(move.guard, **{f"{self.state_column}__in": sources})
        return may.update(**{self.state_column: move.target.value}, **changes)


def _declare(model: type[Model], column: str, move: Move) -> None:
    def apply(row: Model) -> None:
        """Nothing but the state changes here; the operation writes the rest, logs and saves."""

    apply.__name__ = apply.__qualname__ = move.name
    conditions: list[Callable[[Model], bool]] = [move.holds] if move.guard else []
    declared = transition(
        field=cast(FSMField, model._meta.get_field(column)),
        source=list(move.sources),  # type: ignore[arg-type]  # None: no state yet
        target=move.target.value,
        conditions=conditions,
        permission=lambda row, user: user is None or user.may(move.permission),
    )(apply)
    setattr(model, move.name, declared)


def source_sql(move: Move, column: str) -> str:
    """The condition that ``column``, as a statement names it, holds one of the move's sources."""
    named = ", ".join(repr(source) for source in sorted(s for s in move.sources if s is not None))
    either = ([f"{column} IN ({named})"] if named else []) + ([f"{column} IS NULL"] if None in move.sources else [])
    return f"({' OR '.join(either)})"


def guard_sql(model: type[Model], move: Move, alias: str) -> str:
    """The move's guard, compiled by the ORM for ``model``, on the row ``alias`` of a parametrised statement.

    A guard holds constants of the move table only, so they are written into the text.
    """
    if not move.guard:
        return "true"
    query = model._default_manager.filter(move.guard).query
    where, params = query.where.as_sql(query.get_compiler(connection=connection), connection)
    quoted = [str(p) if isinstance(p, int) else "'" + str(p).replace("'", "''") + "'" for p in params]
    return (where % tuple(quoted)).replace(f'"{model._meta.db_table}".', f"{alias}.").replace("%", "%%")
