"""What the page of entitlement memories shows."""

from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _

from entitlements.memory.models import EntitlementSnapshot

PAGE = 50


class SnapshotList:
    """One page of the memories, newest first; ``after`` is the number of the last one on the page before."""

    def __init__(self, outcome: str, after: str) -> None:
        self.outcome = outcome if outcome in EntitlementSnapshot.Outcome.values else ""
        self.after = int(after) if after.isdecimal() and len(after) < 19 else 0

    @cached_property
    def _found(self) -> list[EntitlementSnapshot]:
        rows = EntitlementSnapshot.objects.filter(outcome=self.outcome) if self.outcome else EntitlementSnapshot.objects
        related = rows.select_related("member", "tier", "plan", "rule")
        return list(related.all().behind(self.after)[: PAGE + 1])

    @property
    def rows(self) -> list[EntitlementSnapshot]:
        return self._found[:PAGE]

    @property
    def next_url(self) -> str:
        if len(self._found) <= PAGE:
            return ""
        return "?" + urlencode({"outcome": self.outcome, "after": self.rows[-1].pk})

    @property
    def first_url(self) -> str:
        return "?" + urlencode({"outcome": self.outcome}) if self.after else ""

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
