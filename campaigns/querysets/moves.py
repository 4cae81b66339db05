"""A move's precondition and target as SQL, so that every hand-written statement reads the one table."""

from functools import cache

from django.apps import apps

from config.engine.moves import Move, guard_sql, source_sql


@cache
def may(move: Move, alias: str) -> str:
    """The condition under which the row ``alias`` of the message table may make ``move``: source and guard."""
    model = apps.get_model("campaigns", "MessageIntent")
    return f"{source_sql(move, f'{alias}.status')} AND {guard_sql(model, move, alias)}"


def target(move: Move) -> str:
    """The status ``move`` leads to, quoted."""
    return f"'{move.target.value}'"
