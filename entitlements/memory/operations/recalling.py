"""What is lost is kept, and given back on return: the settling engine's part of entitlement memory."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _
from django.utils.translation import override

from entitlements.memory.doors import MEMORIES
from entitlements.memory.querysets import remembering as sql


def remember(cursor: CursorWrapper, *, at: datetime, ladder_id: int) -> None:
    """Keep what the members in ``settling`` have who lose their membership now; before anything is withdrawn."""
    kept = {memory.code: memory.read.format(member="s.member_id") for memory in MEMORIES}
    pairs = ", ".join(f"'{code}', ({read})" for code, read in kept.items())
    memories = f"jsonb_strip_nulls(jsonb_build_object({pairs}))"
    cursor.execute(sql.REMEMBER.format(memories=memories), {"at": at, "ladder": ladder_id})


def recall(cursor: CursorWrapper, *, at: datetime) -> None:
    """Give back to those who have returned, by the rule in force; after the ladder gave what it gives.

    Before that, what came back with a return that is over goes, and a return that was taken back was none.
    """
    cursor.execute(sql.WITHDRAW, {"at": at})
    cursor.execute(sql.REOPEN, {"at": at})
    cursor.execute("DROP TABLE IF EXISTS pg_temp.recalled")
    cursor.execute(sql.MAKE_RECALLED)
    cursor.execute(sql.DECIDE, {"at": at})
    if cursor.rowcount == 0:
        return
    cursor.execute(sql.RESTORE, {"at": at, **_reasons()})
    for memory in MEMORIES:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.recalled_memory")
        cursor.execute(sql.MAKE_MEMORY, {"code": memory.code, "at": at})
        memory.restore(cursor, "recalled_memory")


def _reasons() -> dict[str, Any]:
    """The words that stay with the grants, in the project's language."""
    with override(settings.LANGUAGE_CODE):
        return {
            "reason_tier": _("Former tier, for a while"),
            "reason_unlocked": _("Unlocked before"),
            "reason_remaining": _("Left over from before"),
        }
