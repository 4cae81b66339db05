"""What the page of entitlement memories shows."""

from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from entitlements.memory.models import EntitlementSnapshot

PAGE = 50


class SnapshotList:
    """One page of the memories, newest first; ``after`` is the number of the last one on the page before.

    ``age`` is ``younger`` or ``older``, than ``days`` before ``at``; anything else shows both.
    """

    def __init__(self, params: QueryDict, *, at: datetime) -> None:
        asked, after, days = params.get("outcome", ""), params.get("after", ""), params.get("days", "")
        self.at = at
        self.outcome = asked if asked in EntitlementSnapshot.Outcome.values else ""
        self.after = int(after) if after.isdecimal() and len(after) < 19 else 0
        self.days = int(days) if days.isdecimal() and len(days) < 6 else 0
        self.age = params.get("age", "") if self.days else ""

    @cached_property
    def _found(self) -> list[EntitlementSnapshot]:
        rows = EntitlementSnapshot.objects.select_related("member", "tier", "plan", "rule")
        if self.outcome:
            rows = rows.filter(outcome=self.outcome)
        if self.age == "younger":
            rows = rows.young_enough(self.at, self.days)
        elif self.age == "older":
            rows = rows.too_old(self.at, self.days)
        return list(rows.behind(self.after)[: PAGE + 1])

    @property
    def _asked(self) -> dict[str, Any]:
        return {"outcome": self.outcome} | ({"age": self.age, "days": self.days} if self.age else {})

    @property
    def rows(self) -> list[EntitlementSnapshot]:
        return self._found[:PAGE]

    @property
    def next_url(self) -> str:
        if len(self._found) <= PAGE:
            return ""
        return "?" + urlencode(self._asked | {"after": self.rows[-1].pk})

    @property
    def first_url(self) -> str:
        return "?" + urlencode(self._asked) if self.after else ""

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
