"""What belongs to a member and goes along when they are merged. Each room registers its tables in its ``hooks.py``.

A table with a key to Member is either a ``Belonging`` or said to stay; a standing test finds the forgotten ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.functional import Promise

from config.engine.registry import Registry

Text = str | Promise


@dataclass(frozen=True)
class Belonging:
    """A table whose rows change hands when members are merged, and go back when the merge is undone.

    ``equal_by`` names columns (SQL) of which the table allows one row per member, for rows that satisfy ``among``. What
    becomes of the absorbed member's row that has an equal one:

    * nothing else said: it stays where it is, out of sight, and the survivor's counts;
    * ``prefer`` (an ORDER BY): it is set aside in the merge's record, and the survivor's row takes over its values
      where it comes first in that order;
    * ``combine``: it is set aside, and the survivor's row takes it in. By column three pieces of SQL over the
      survivor's row ``t`` and the other ``o``: what becomes of the column, and when ``o`` is taken out again what the
      survivor and what the other has of it;
    * ``renumber``: both are kept; the one of ``equal_by`` that is named here takes the next free number.

    ``copied`` (a condition): these rows of the absorbed member are set aside, and the survivor has copies of them. What
    is done with a copy after the merge was done with the survivor: when it is undone the absorbed member has the rows
    as they were, and the copies go, with ``keeps_changed`` only those nobody changed; of a changed one with ``combine``
    the rest stays. ``left`` is called with the survivor's number and the copies, once everything else went back.
    ``revived``: rows that moved and were deleted since are there again. Neither is for tables whose rows others name by
    a key.

    ``recount`` is called with the rows set aside, whenever they go or come back; ``moved`` with the numbers of both
    members, whenever rows changed hands.
    """

    model: type[models.Model]
    label: Text
    equal_by: Sequence[str] = ()
    among: str = "true"
    prefer: str = ""
    combine: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    renumber: str = ""
    copied: str = ""
    keeps_changed: bool = False
    revived: bool = False
    recount: Callable[[list[dict[str, Any]]], None] | None = None
    moved: Callable[[Sequence[int]], None] | None = None
    left: Callable[[int, list[dict[str, Any]]], None] | None = None

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def keys(self) -> list[str]:
        """The columns that tell a row from the others of the same member."""
        fields = getattr(self.model._meta.pk, "fields", None) or [self.model._meta.pk]
        return [field.column for field in fields if field.column != "member_id"]


@dataclass(frozen=True)
class Engine:
    """What makes something of members' rows.

    ``follow`` brings it in line for members who stand: before rows change hands, so that nothing that is due is judged
    by the other's facts, and afterwards. The rows of ``kept`` (of models whose key is the member) are where the engine
    left each of the two; an undone merge puts them back as they were, and the engine goes on from there. An engine
    that ``is_source`` makes what others read, and follows before them. The record of the merge, or its undoing, is
    written by then.
    """

    code: str
    follow: Callable[[Sequence[int], datetime], object]
    kept: Sequence[type[models.Model]] = ()
    is_source: bool = False


# Tables with the column ``member_id`` whose rows go along with a merged member; what others point at comes first.
BELONGINGS: Registry[Belonging] = Registry("belongings", code_of=lambda belonging: belonging.table)
# What follows a merge and its undoing, in the order of registration.
ENGINES: Registry[Engine] = Registry("engines that follow a merge", code_of=lambda engine: engine.code)
# Keys (``app.Model.field``) whose rows stay with the merged member, each with why that is right.
STAYING: Registry[str] = Registry("staying")


def register_staying(model: type[models.Model], field: str, why: str) -> None:
    """Say that rows stay with the merged member, and why that is right."""
    STAYING.register(why, code=f"{model._meta.label}.{field}")


def forgotten(member: type[models.Model]) -> list[str]:
    """Keys to ``member`` that nobody registered, as ``app.Model.field``."""
    relations: list[Any] = member._meta.get_fields(include_hidden=True)
    keys = [
        (relation.related_model, relation.field)
        for relation in relations
        if relation.auto_created and (relation.one_to_many or relation.one_to_one)
    ]
    return sorted(
        f"{model._meta.label}.{field.name}"
        for model, field in keys
        if f"{model._meta.label}.{field.name}" not in STAYING
        and not (model._meta.db_table in BELONGINGS and field.column == "member_id")
    )
