"""What rules read of each other: segments read segments and tags, tags read both; none may lead back to itself."""

from collections.abc import Iterable
from typing import Any

from django.db import connection

from members.segments.holders import HOLDERS
from members.segments.registry import Condition
from members.segments.schema import Rule, RuleError, RuleInvalid, leaves, read_rule

# ("segment", id) or ("tag", code)
Thing = tuple[str, Any]


def lock_reading() -> None:
    """Until the transaction ends nobody else changes what reads what: two at once could each close half a circle."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('members_segment_references'))")


def refuse_cycle(rule: Rule, own: Thing) -> None:
    """Raise RuleInvalid at each condition that leads back to ``own``, whose rule this is to be."""
    targets = {thing: found for thing, found in _reading().items() if thing != own}
    errors = [
        RuleError(path, "segment" if leaf.segment_ids() else "values", _circle_words(leaf))
        for path, leaf in leaves(rule)
        if own in _reached(_read_by(leaf), targets)
    ]
    if errors:
        raise RuleInvalid(errors)


def _circle_words(leaf: Condition) -> str:
    return str(HOLDERS["segment" if leaf.segment_ids() else "tag"].circle)


def readers_of(things: Iterable[Thing]) -> list[Thing]:
    """The live segments and tags whose rule reads one of these directly."""
    wanted = set(things)
    return [thing for thing, found in _reading().items() if wanted & found]


def _reading() -> dict[Thing, set[Thing]]:
    return {(holder.code, key): _reads(rule) for holder in HOLDERS for key, rule in holder.rules()}


def _reads(data: Any) -> set[Thing]:
    try:
        rule = read_rule(data)
    except RuleInvalid:
        # It cannot be refreshed either, so it reads nothing.
        return set()
    return set().union(*(_read_by(leaf) for _path, leaf in leaves(rule)))


def _read_by(leaf: Condition) -> set[Thing]:
    return {("segment", pk) for pk in leaf.segment_ids()} | {("tag", code) for code in leaf.tag_codes()}


def _reached(start: Iterable[Thing], targets: dict[Thing, set[Thing]]) -> set[Thing]:
    found: set[Thing] = set()
    queue = list(start)
    while queue:
        thing = queue.pop()
        if thing not in found:
            found.add(thing)
            queue += targets.get(thing, ())
    return found
