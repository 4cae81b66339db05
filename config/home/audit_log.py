"""The audit log as one request asks for it: filters and pages that cost the same however long the log is."""

from dataclasses import dataclass
from datetime import datetime, time
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.audit.models import AuditEntry
from config.engine.actions import known_actions, label_of
from config.engine.ids import read_id
from config.staff.models import User

PAGE_SIZE = 50

# Where the things in the log have pages of their own: kind → (URL name, keyword).
PAGES = {
    "member": ("members:detail", "member_id"),
    "lifecycle_policy": ("members:policy", "policy_id"),
    "sweep_brake": ("members:brake", "brake_id"),
    "qualification_policy": ("tiers:policy", "policy_id"),
    "tier_brake": ("tiers:brake", "brake_id"),
    "restore_rule": ("memory:version", "rule_id"),
    "plan": ("members:plan", "plan_id"),
    "tier": ("members:tier", "tier_id"),
    "import_run": ("imports:detail", "run_id"),
    "segment": ("segments:detail", "segment_id"),
    "tag": ("tags:detail", "tag_id"),
    "duplicate_pair": ("merging:pair", "pair_id"),
    "benefit": ("benefits:detail", "benefit_id"),
    "offer": ("offers:detail", "offer_id"),
    "code_pool": ("codes:detail", "pool_id"),
    "honour": ("honours:detail", "honour_id"),
    "honour_run": ("honours:run", "honour_run_id"),
}


class AuditFilterForm(forms.Form):
    action = forms.ChoiceField(label=_("Action"), required=False)
    actor = forms.ModelChoiceField(
        label=_("Who"), required=False, queryset=User.objects.order_by("username"), empty_label=_("Anybody")
    )
    member = forms.IntegerField(label=_("Member number"), required=False, min_value=1, max_value=2**62)
    day = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["action"].choices = [("", _("Any")), *known_actions()]  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Line:
    entry: AuditEntry
    label: str
    href: str


class AuditLog:
    def __init__(self, params: QueryDict) -> None:
        self.params = params
        self.form = AuditFilterForm(params)

    @cached_property
    def entries(self) -> list[AuditEntry]:
        """One more than a page, to know whether there are earlier ones."""
        rows = AuditEntry.objects.select_related("actor").order_by("-at", "-pk")
        return list(self._before(self._filtered(rows))[: PAGE_SIZE + 1])

    @property
    def lines(self) -> list[Line]:
        return [Line(entry, label_of(entry.action), href_of_target(entry)) for entry in self.entries[:PAGE_SIZE]]

    def _filtered(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        if not self.form.is_valid():
            return rows.none()
        data = self.form.cleaned_data
        if data["action"]:
            rows = rows.filter(action=data["action"])
        if data["actor"]:
            rows = rows.filter(actor=data["actor"])
        if data["member"]:
            rows = rows.filter(member_id=data["member"])
        if data["day"]:
            end = datetime.combine(data["day"], time.max, tzinfo=timezone.get_current_timezone())
            rows = rows.filter(at__lte=end)
        return rows

    def _before(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        at, _separator, pk = self.params.get("before", "").partition("~")
        key = read_id(pk)
        try:
            instant = datetime.fromisoformat(at)
        except ValueError:
            return rows
        if instant.tzinfo is None or key is None:
            return rows
        return rows.filter(at__lte=instant).filter(Q(at__lt=instant) | Q(at=instant, pk__lt=key))

    @property
    def earlier_url(self) -> str:
        if len(self.entries) <= PAGE_SIZE:
            return ""
        last = self.entries[PAGE_SIZE - 1]
        return self._url(before=f"{last.at.isoformat()}~{last.pk}")

    @property
    def newest_url(self) -> str:
        return self._url() if self.params.get("before") else ""

    def _url(self, **changes: str) -> str:
        query = self.params.copy()
        query.pop("before", None)
        for name, value in changes.items():
            query[name] = value
        return f"{reverse('console:audit')}?{query.urlencode()}"


def href_of_target(entry: AuditEntry) -> str:
    """The page of the thing an entry is about; empty when it has none."""
    if entry.target_type not in PAGES:
        return ""
    name, keyword = PAGES[entry.target_type]
    return reverse(name, kwargs={keyword: int(entry.target_id)})
