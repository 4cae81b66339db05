"""A move's precondition and target as SQL, so that every hand-written statement reads the one table."""

from functools import cache

from django.apps import apps
from django.db import connection

from campaigns.lifecycle import Move


@cache
def may(move: Move, alias: str) -> str:
    """The condition under which the row ``alias`` of the message table may make ``move``: source and guard."""
    named = ", ".join(repr(source) for source in sorted(s for s in move.sources if s is not None))
    condition = f"{alias}.status IN ({named})"
    if move.guard:
        query = apps.get_model("campaigns", "MessageIntent").objects.filter(move.guard).query
        where, params = query.where.as_sql(query.get_compiler(connection=connection), connection)
        # A guard holds the Move table's own constants only.
        guard = where % tuple("'" + str(p).replace("'", "''") + "'" for p in params)
        condition += f" AND {guard}".replace('"campaigns_messageintent".', f"{alias}.")
    return condition.replace("%", "%%")


def target(move: Move) -> str:
    """The status ``move`` leads to, quoted."""
    return f"'{move.target.value}'"
