"""What the page of entitlement memories shows."""

from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from config.console.paging import Pages
from config.engine.ids import read_number
from entitlements.memory.models import EntitlementSnapshot
from members.people.querysets.people import Cursor


class SnapshotList(Pages):
    """One page of the memories, the latest lost first; ``after`` is the last one on the page before.

    ``age`` is ``younger`` or ``older``, than ``days`` before ``at``; anything else shows both.
    """

    def __init__(self, params: QueryDict, *, at: datetime) -> None:
        asked, days = params.get("outcome", ""), params.get("days", "")
        self.at = at
        self.outcome = asked if asked in EntitlementSnapshot.Outcome.values else ""
        self.after = Cursor.parse(params.get("after", ""))
        self.days = read_number(days, most=99_999) or 0
        self.age = params.get("age", "") if self.days else ""

    def behind(self) -> QuerySet[EntitlementSnapshot]:
        # Fetched behind the rows: joined, every memory would be joined before the latest are picked.
        rows = EntitlementSnapshot.objects.prefetch_related("member", "tier")
        if self.outcome:
            rows = rows.filter(outcome=self.outcome)
        if self.age == "younger":
            rows = rows.young_enough(self.at, self.days)
        elif self.age == "older":
            rows = rows.too_old(self.at, self.days)
        return rows.behind(self.after if self.after and self.after.value else None)

    def mark(self, row: EntitlementSnapshot) -> object:
        return Cursor(row.taken_at, row.pk)

    def asked(self) -> dict[str, Any]:
        return {"outcome": self.outcome} | ({"age": self.age, "days": self.days} if self.age else {})

    @cached_property
    def tabs(self) -> list[dict[str, Any]]:
        counted = EntitlementSnapshot.objects.values("outcome").annotate(n=Count("pk")).order_by()
        counts = {row["outcome"]: row["n"] for row in counted}
        page = reverse("memory:snapshots")
        tabs = [{"label": _("All"), "count": sum(counts.values()), "href": page, "current": not self.outcome}]
        return tabs + [
            {
                "label": label, "count": counts.get(value, 0), "href": f"{page}?{urlencode({'outcome': value})}",
                "current": value == self.outcome,
            }
            for value, label in EntitlementSnapshot.Outcome.choices
            if value in counts or value == self.outcome
        ]  # fmt: skip
