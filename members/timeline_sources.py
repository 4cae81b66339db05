"""The logs of members that make up a member's timeline: terms, lifecycle moves, events, and the audit log."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.audit.models import AuditEntry
from config.engine.actions import label_of
from config.engine.naming import event_label, name_of
from members.events.models import Event
from members.lifecycle.models import LifecycleTransition
from members.people.console import timeline
from members.people.console.timeline import SOURCES, Entry, Source
from members.people.rules import last_day, local_date
from members.terms.models import MembershipTerm


def register_all() -> None:
    """Called once, when the app is ready."""
    SOURCES.register(Source("state", gettext_lazy("States"), transitions))
    SOURCES.register(
        Source(
            "term",
            gettext_lazy("Terms"),
            terms,
            tells=["term.paid", "term.gift", "term.lent", "term.trial", "term.compensation"],
        )
    )
    SOURCES.register(Source("event", gettext_lazy("Behaviour"), events))
    SOURCES.register(Source("audit", gettext_lazy("Audit"), audit))


def older(rows: QuerySet, column: str, before_at: datetime, before_pk: int, limit: int, pk: str = "pk") -> QuerySet:
    """The rows older than (``before_at``, ``before_pk``) by an instant's column, newest first, at most ``limit``."""
    same = Q(**{column: before_at, f"{pk}__lt": before_pk})
    older = rows.filter(**{f"{column}__lte": before_at}).filter(Q(**{f"{column}__lt": before_at}) | same)
    return older.order_by(f"-{column}", f"-{pk}")[:limit]


def transitions(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    rows = LifecycleTransition.objects.filter(member_id=member_id).select_related("policy", "actor")
    return [_moved(row) for row in older(rows, "effective_at", before_at, before_pk, limit)]


def _moved(row: LifecycleTransition) -> Entry:
    by = row.actor.get_username() if row.actor else _("system")
    words = {"rule": row.get_rule_display(), "policy": row.policy.version, "by": by}
    note = _("%(rule)s · policy v%(policy)s · %(by)s") % words
    late = (row.recorded_at - row.effective_at).total_seconds() > 3600
    return Entry(
        at=row.effective_at,
        pk=row.pk,
        icon="arrows-exchange",
        kind="state",
        from_state=row.from_state,
        to_state=row.to_state,
        note=note,
        chip=_("recorded later") if late else "",
    )


def terms(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    rows = MembershipTerm.objects.filter(member_id=member_id).select_related(
        "plan", "tier", "recorded_by", "member__lifecycle"
    )
    return [_booked(row) for row in older(rows, "booked_at", before_at, before_pk, limit)]


def _booked(term: MembershipTerm) -> Entry:
    what = {"kind": term.get_kind_display(), "what": name_of(term.plan) or name_of(term.tier)}
    zone = term.member.lifecycle.time_zone or settings.PROJECT_TIME_ZONE
    span = {"start": local_date(term.starts_at, zone).isoformat(), "end": last_day(term.ends_at, zone).isoformat()}
    by = term.recorded_by.get_username() if term.recorded_by else ""
    parts = [_("%(start)s to %(end)s") % span, term.external_ref or "", by]
    title = _("Term goes on: %(kind)s · %(what)s") if term.origin_id else _("Term booked: %(kind)s · %(what)s")
    return Entry(
        at=term.booked_at,
        pk=term.pk,
        icon={"gift": "gift", "trial": "flask", "compensation": "gift"}.get(term.kind, "shopping-cart"),
        title=title % what,
        note=" · ".join(part for part in parts if part),
        chip=term.get_close_reason_display() if term.close_reason else "",
        chip_kind="warn" if term.refunded_at or term.voided_at else "",
    )


def events(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    rows = Event.objects.filter(member_id=member_id).select_related("definition", "source")
    return [_happened(row) for row in older(rows, "occurred_at", before_at, before_pk, limit, pk="id")]


def _happened(row: Event) -> Entry:
    definition = row.definition
    label = event_label(definition)
    note = " · ".join(dict.fromkeys(part for part in (definition.name, row.source.name) if part != label))
    return Entry(at=row.occurred_at, pk=row.id, icon="player-play", kind="evt", title=label, note=note)


def audit(member_id: int, *, before_at: datetime, before_pk: int, limit: int, alone: bool) -> Sequence[Entry]:
    rows = AuditEntry.objects.filter(member_id=member_id).select_related("actor")
    if not alone:
        # The thing itself stands in the timeline already; the audit row only says the same again.
        rows = rows.exclude(action__in=timeline.told())
    return [_audited(row) for row in older(rows, "at", before_at, before_pk, limit)]


def _audited(row: AuditEntry) -> Entry:
    by = row.actor.get_username() if row.actor else _("system")
    note = " · ".join(part for part in (by, row.reason) if part)
    return Entry(at=row.at, pk=row.pk, icon="user-check", kind="audit", title=label_of(row.action), note=note)
