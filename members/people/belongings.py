"""What belongs to a member and goes along when she is merged. Each room registers its tables in its ``hooks.py``.

A table with a key to Member is either a ``Belonging`` or said to stay; a standing test finds the forgotten ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.functional import Promise

from config.engine.registry import Registry

Text = str | Promise


@dataclass(frozen=True)
class Belonging:
    """A table whose rows change hands.

    ``equal_by`` names columns (SQL) of which the table allows one row per member, for rows that satisfy ``among``. Of
    two equal rows the first in the order ``prefer`` stays and the other is set aside in the merge's record; without
    ``prefer`` the survivor's counts and the other stays where it is, out of sight. ``recount`` is called with the
    rows set aside, whenever they go or come back; ``moved`` with the numbers of both members, whenever rows changed
    hands.
    """

    model: type[models.Model]
    label: Text
    equal_by: Sequence[str] = ()
    among: str = "true"
    prefer: str = ""
    recount: Callable[[list[dict[str, Any]]], None] | None = None
    moved: Callable[[Sequence[int]], None] | None = None

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def keys(self) -> list[str]:
        """The columns that tell a row from the others of the same member."""
        fields = getattr(self.model._meta.pk, "fields", None) or [self.model._meta.pk]
        return [field.column for field in fields if field.column != "member_id"]


# Tables with the column ``member_id`` whose rows go along with a merged member; what others point at comes first.
BELONGINGS: Registry[Belonging] = Registry("belongings", code_of=lambda belonging: belonging.table)
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
