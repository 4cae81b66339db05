"""One pool of partner codes as its page shows it."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from config.console.paging import Pages
from config.engine.ids import read_id
from entitlements.codes.models import CodePool, PartnerCode

# So many characters are shown of an end, of both ends from a length of four times as many on.
SHOWN = 2


def masked(code: str) -> str:
    """A code with all but its first and last two characters hidden; a shorter one all but its last; a short one wholly.

    Codes of one printing share an ending or a beginning, so both are needed to tell some of them apart.
    """
    head = code[:SHOWN] if len(code) >= 4 * SHOWN else ""
    tail = code[-SHOWN:] if len(code) > 2 * SHOWN else ""
    return f"{head}••••••{tail}"


class PoolPage(Pages):
    """``revealed`` are codes in full by id, in answer to one request; ``shown`` is the one asked for."""

    def __init__(
        self, pool_id: int, *, params: QueryDict, revealed: Mapping[int, str], shown: PartnerCode | None
    ) -> None:
        self.pool: Any = get_object_or_404(CodePool.objects.with_stock(), pk=pool_id)
        self.revealed = revealed
        self.which = params.get("which", "") if params.get("which") in ("claimed", "free") else ""
        self.after = read_id(params.get("after", ""))
        if shown is not None:
            # The list begins with the code that was asked for, wherever it stands.
            self.after = shown.pk + 1

    def asked(self) -> dict[str, Any]:
        return {"which": self.which}

    def behind(self) -> QuerySet[PartnerCode]:
        rows = PartnerCode.objects.filter(pool_id=self.pool.pk).select_related("member__lifecycle").behind(self.after)
        return {"claimed": rows.claimed, "free": rows.free}.get(self.which, rows.all)()

    @property
    def codes(self) -> list[dict[str, Any]]:
        return [
            {"row": row, "code": self.revealed.get(row.pk) or masked(row.code), "is_open": row.pk in self.revealed}
            for row in self.rows
        ]

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
