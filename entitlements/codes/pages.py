"""One pool of partner codes as its page shows it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from entitlements.models import CodePool, PartnerCode

PAGE = 50
TAIL = 2


def masked(code: str) -> str:
    """A code with all but its last two characters hidden; a short one wholly."""
    return "•" * 6 + (code[-TAIL:] if len(code) > 2 * TAIL else "")


class PoolPage:
    """``revealed`` are codes in full by id, in answer to one request; ``shown`` is the one asked for."""

    def __init__(
        self, pool_id: int, *, params: QueryDict, revealed: Mapping[int, str], shown: PartnerCode | None
    ) -> None:
        self.pool: Any = get_object_or_404(CodePool.objects.with_stock(), pk=pool_id)
        self.revealed = revealed
        self.which = params.get("which", "") if params.get("which") in ("claimed", "free") else ""
        after = params.get("after", "")
        self.after = int(after) if after.isdecimal() and len(after) < 19 else None
        if shown is not None:
            # The list begins with the code that was asked for, wherever it stands.
            self.after = shown.pk + 1

    @cached_property
    def _found(self) -> list[PartnerCode]:
        rows = PartnerCode.objects.filter(pool_id=self.pool.pk).select_related("member__lifecycle").behind(self.after)
        chosen = {"claimed": rows.claimed, "free": rows.free}.get(self.which, rows.all)()
        return list(chosen[: PAGE + 1])

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [
            {"row": row, "code": self.revealed.get(row.pk) or masked(row.code), "is_open": row.pk in self.revealed}
            for row in self._found[:PAGE]
        ]

    @property
    def first_url(self) -> str:
        """Back to the newest, from a later page."""
        return f"?which={self.which}" if self.after else ""

    @property
    def next_url(self) -> str:
        return f"?which={self.which}&after={self._found[PAGE - 1].pk}" if len(self._found) > PAGE else ""

    @property
    def is_low(self) -> bool:
        return self.pool.is_open and self.pool.free <= self.pool.low_stock

    @property
    def tabs(self) -> list[dict[str, Any]]:
        counts = {"": self.pool.total, "claimed": self.pool.claimed, "free": self.pool.free}
        words = {"": _("All"), "claimed": _("Handed out"), "free": _("In stock")}
        return [
            {"label": words[which], "count": n, "href": f"?which={which}", "current": which == self.which}
            for which, n in counts.items()
        ]
