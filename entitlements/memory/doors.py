"""What other engines keep for a member's return, such as points. Each registers in its ``AppConfig.ready``."""

from collections.abc import Callable
from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper
from django.utils.functional import Promise

from config.engine.registry import Registry

# Called in the settling engine's transaction with the name of a temporary table of those to whom it is given back:
# (snapshot_id, member_id, value jsonb, at). Gives back by one statement over that table.
Restore = Callable[[CursorWrapper, str], None]


@dataclass(frozen=True)
class Memory:
    """One thing to keep. ``read`` is a SQL expression giving jsonb, or null, of the member ``{member}``."""

    code: str
    label: str | Promise
    read: str
    restore: Restore


MEMORIES: Registry[Memory] = Registry("memories", code_of=lambda memory: memory.code)
