"""One member as her page shows her: facts, terms, why she is where she is, and her timeline."""

from collections import Counter
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from members.events.models import ActiveDay
from members.lifecycle.console.reasons import Reasons, reasons_for
from members.lifecycle.models import LifecyclePolicy, MemberLifecycle
from members.lifecycle.operations import sweep
from members.merging.console import pages
from members.people.console import cards, marks, timeline
from members.people.models import Member
from members.people.rules import local_date
from members.tags.catalogue import CHURN
from members.tags.console.forms import GiveForm
from members.tags.console.portrait import Carried, carried_by, lost_by
from members.tags.models import MemberTag
from members.terms.console.term_chart import Chart, draw
from members.terms.models import MembershipTerm, MemberSignal
from members.value.console.portrait import ValuePortrait
from members.value.groups import Band

TIMELINE_SIZE = 20
RECENT_DAYS = 30


class Portrait:
    """Reads each part once, when the page asks for it."""

    def __init__(self, member_id: int, *, at: datetime, params: QueryDict) -> None:
        self.at, self.params = at, params
        members = Member.objects.select_related("lifecycle__tier", "lifecycle__brake")
        self.member = get_object_or_404(members.prefetch_related("identities"), pk=member_id)

    @property
    def life(self) -> MemberLifecycle:
        return self.member.lifecycle

    @cached_property
    def tags(self) -> list[Carried]:
        """What she carries now."""
        return carried_by(self.member)

    @cached_property
    def tags_before(self) -> list[MemberTag]:
        """What she carried and carries no more."""
        return lost_by(self.member)

    @cached_property
    def give_form(self) -> GiveForm:
        return GiveForm(carried=[carried.tag.code for carried in self.tags])

    @cached_property
    def likely(self) -> list[Any]:
        """Members who may be the same person, each with the pair."""
        return pages.likely_of(self.member.pk)

    @cached_property
    def merges(self) -> list[Any]:
        """Who was merged into her."""
        return pages.merges_of(self.member.pk)

    @cached_property
    def terms(self) -> list[MembershipTerm]:
        """Every term, in order of time."""
        rows = MembershipTerm.objects.filter(member=self.member).select_related("plan", "tier", "recorded_by")
        return list(rows.order_by("starts_at", "pk"))

    @property
    def terms_newest_first(self) -> list[MembershipTerm]:
        return self.terms[::-1]

    @cached_property
    def current_term(self) -> MembershipTerm | None:
        running = (t for t in self.terms if t.voided_at is None and t.starts_at <= self.at < t.effective_ends_at)
        return next(running, None)

    @cached_property
    def paid(self) -> dict[str, int]:
        """What the member's orders cost in minor units by currency, less what went back."""
        paid: Counter[str] = Counter()
        for term in self.terms:
            if term.price_cents and term.is_kept_order:
                paid[term.currency] += term.price_cents - term.refunded_cents
        return dict(sorted(paid.items()))

    @property
    def paid_terms(self) -> int:
        return sum(term.kind == "paid" and term.is_kept_order for term in self.terms)

    @property
    def zone(self) -> str:
        return self.life.time_zone or settings.PROJECT_TIME_ZONE

    @cached_property
    def active_days(self) -> int:
        """Local dates with activity in the last 30."""
        today = local_date(self.at, self.zone)
        return ActiveDay.objects.filter(
            member=self.member, local_on__gt=today - timedelta(days=RECENT_DAYS), local_on__lte=today
        ).count()

    @cached_property
    def auto_renewal_since(self) -> datetime | None:
        """When auto-renewal was last switched, either way."""
        kinds = [kind for kind in MemberSignal.Kind.values if kind != MemberSignal.Kind.UNINSTALLED]
        signals = MemberSignal.objects.filter(member=self.member, kind__in=kinds, at__lte=self.at)
        return signals.order_by("-at", "-pk").values_list("at", flat=True).first()

    @cached_property
    def policy(self) -> LifecyclePolicy:
        return sweep.active_policy()

    @property
    def last_begun(self) -> MembershipTerm | None:
        """The running term, else the last."""
        return next((t for t in self.terms_newest_first if t.voided_at is None and t.starts_at <= self.at), None)

    @cached_property
    def reasons(self) -> Reasons | None:
        found = sweep.explain(member_ids=[self.member.pk], at=self.at)
        return reasons_for(found[0], self.policy, self.last_begun, self.life.time_zone) if found else None

    @cached_property
    def cards(self) -> list[cards.Shown]:
        """What other apps show of her."""
        return cards.shown(self.member.pk, self.at)

    @cached_property
    def marks(self) -> marks.Marks:
        """What other apps show beside her name."""
        return marks.shown(self.member.pk, self.at)

    @cached_property
    def value(self) -> ValuePortrait:
        return ValuePortrait(self.member.pk)

    @property
    def churn_tag(self) -> Carried | None:
        """The tag that speaks of churn where the model's risk is not high: its rule looks at other facts."""
        if self.value.band in (None, Band.HIGH):
            return None
        return next((carried for carried in self.tags if carried.tag.code == CHURN), None)

    @cached_property
    def state_before(self) -> str | None:
        """The state she came from, by the last transition."""
        transitions = self.member.transitions.filter(pk=self.life.transition_id or 0)
        return transitions.values_list("from_state", flat=True).first()

    @cached_property
    def chart(self) -> Chart | None:
        return draw(self.terms, at=self.at, policy_days=self.policy.grace_days, zone=self.zone)

    @property
    def since(self) -> datetime | None:
        return self.terms[0].starts_at if self.terms else None

    @property
    def timeline_filter(self) -> str:
        asked = self.params.get("timeline", "")
        return asked if asked in {source.code for source in timeline.SOURCES} else ""

    @cached_property
    def timeline(self) -> timeline.Page:
        before = timeline.Point.parse(self.params.get("before", ""))
        return timeline.read(
            self.member.pk, until=self.at, only=self.timeline_filter, before=before, limit=TIMELINE_SIZE
        )

    @property
    def timeline_tabs(self) -> list[dict[str, Any]]:
        every = {"label": _("All"), "href": "?#timeline", "current": not self.timeline_filter}
        return [every] + [
            {
                "label": source.label,
                "href": f"?timeline={source.code}#timeline",
                "current": self.timeline_filter == source.code,
            }
            for source in timeline.SOURCES
        ]

    @property
    def earlier_url(self) -> str:
        if not self.timeline.earlier:
            return ""
        query = QueryDict(mutable=True)
        if self.timeline_filter:
            query["timeline"] = self.timeline_filter
        query["before"] = str(self.timeline.earlier)
        return f"?{query.urlencode()}#timeline"
