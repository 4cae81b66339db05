"""What the pages of entitlement memories and of the restore rule show."""

from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.console.http import StaffRequest
from config.console.paging import Pages
from config.console.reviews import ReviewPages, ReviewWords
from config.engine import clock
from config.engine.ids import read_number
from entitlements.memory.console.forms import RuleForm
from entitlements.memory.models import EntitlementSnapshot, RestoreRule
from entitlements.memory.operations import rules
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


class RestoreRulePages(ReviewPages[RestoreRule]):
    """The pages of the restore rule; its preview is quick, so it is there as soon as a draft is saved."""

    review = rules.REVIEW
    namespace = "memory"
    name = "version"
    list_name = "rule"
    argument = "rule_id"
    new_at = ("edit", "edit")
    list_actions = "memory/includes/rule_actions.html"
    list_before = "memory/includes/rule_in_force.html"
    form_template = "memory/edit.html"
    content_template = "memory/includes/rule_content.html"
    preview_template = "memory/includes/rule_preview.html"
    words = ReviewWords(
        title=gettext_lazy("Entitlement memory"),
        intro=gettext_lazy("When the grace ends, what a member had is kept. This is what they get back on return."),
        propose=gettext_lazy("Restore rule"),
        one=gettext_lazy("Restore rule v%(version)s"),
        change=gettext_lazy("Change draft v%(version)s"),
        waiting=gettext_lazy("Restore rule v%(version)s: %(note)s"),
        in_force=gettext_lazy("The rule is in force."),
    )

    def form(self, data: Any, version: RestoreRule, *, is_new: bool) -> RuleForm:
        names = rules.FIELDS if is_new else (*rules.FIELDS, "note")
        return RuleForm(data, initial={name: getattr(version, name) for name in names})

    def preview_form(self, request: StaffRequest, form: Any) -> dict[str, Any]:
        if request.POST.get("action") == "save":
            return {}
        return {"effect": rules.effect_of(form.instance, at=clock.now())}

    def list_context(self) -> dict[str, Any]:
        current = self.review.active()
        return {"rule": current, "effect": rules.effect_of(current, at=clock.now())}

    def on_draft(self, version: RestoreRule) -> None:
        self.review.look_ahead(version.pk, at=clock.now())


RULES = RestoreRulePages()
