"""What needs a person, from every app, as the first page lists it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.lifecycle import Status as MessageStatus
from campaigns.models import MessageIntent
from config.console.formats import instant_text, number_text
from config.engine.naming import name_of
from config.engine.reviewed import Status, Version
from config.home.navigation import href_of
from config.staff.access import Permission
from config.staff.models import User
from entitlements.benefits.models import LadderVersion
from entitlements.checks.console.pages import WORDS as CHECK_WORDS
from entitlements.checks.models import Offence
from entitlements.codes.models import CodePool
from entitlements.tiers.models import QualificationPolicy
from members.events import metrics as event_metrics
from members.imports.models import ImportRun
from members.lifecycle import metrics

EXPIRY_DAYS = 7
SOON_DAYS = 3
IMPORTS_SHOWN = 10

Text = str | Promise


@dataclass(frozen=True)
class WorkItem:
    """One thing that needs a person."""

    kind: str
    icon: str
    type: Text
    title: Text
    href: str
    action: Text
    note: Text = ""
    count: int | None = None
    count_href: str = ""
    due: Text = ""
    due_kind: str = ""


WorkSource = Callable[[User, datetime], Iterator[WorkItem]]


def members_url(**params: Any) -> str:
    return f"{reverse('members:list')}?{urlencode(params)}"


def work_for(user: User, at: datetime) -> list[WorkItem]:
    """What needs ``user``, or somebody like her; most urgent first."""
    return [item for source in WORK for item in source(user, at)]


def brakes(user: User, at: datetime) -> Iterator[WorkItem]:
    for brake in metrics.open_brakes():
        yield WorkItem(
            kind="bad",
            icon="hand-stop",
            type=_("Brake"),
            title=_("A sweep stopped: too many members would move"),
            note=_("limit %(limit)s per state") % {"limit": number_text(brake.limit_count)},
            count=brake.held_count,
            count_href=members_url(brake=brake.pk),
            due=instant_text(brake.raised_at, at),
            due_kind="bad",
            href=reverse("members:brake", args=[brake.pk]),
            action=_("Decide") if user.may(Permission.APPROVE) else _("Look"),
        )


def policies(user: User, at: datetime) -> Iterator[WorkItem]:
    for policy in metrics.policies_to_approve():
        title = _("Lifecycle policy v%(version)s: %(note)s")
        yield _to_approve(user, policy, title, reverse("members:policy", args=[policy.pk]), _moved_by(policy))


def tier_policies(user: User, at: datetime) -> Iterator[WorkItem]:
    waiting = QualificationPolicy.objects.filter(status=Status.SUBMITTED)
    for policy in waiting.select_related("created_by").order_by("version"):
        title = _("Qualification policy v%(version)s: %(note)s")
        yield _to_approve(user, policy, title, reverse("tiers:policy", args=[policy.pk]), _moved_by(policy))


def ladders(user: User, at: datetime) -> Iterator[WorkItem]:
    waiting = LadderVersion.objects.filter(status=LadderVersion.Status.SUBMITTED)
    for version in waiting.select_related("created_by"):
        # The ladder's page shows the version that waits, and decides about it. Whom its changes touch overlaps.
        yield _to_approve(user, version, _("Ladder v%(version)s: %(note)s"), reverse("ladder:index"), None)


def _to_approve(user: User, version: Version, title: str, href: str, count: int | None) -> WorkItem:
    may_approve = user.may(Permission.APPROVE) and version.created_by_id != user.pk
    return WorkItem(
        kind="on",
        icon="rubber-stamp",
        type=_("Approval"),
        title=title % {"version": version.version, "note": version.note},
        note=_("proposed by %(name)s") % {"name": version.created_by},
        count=count,
        count_href=href,
        due=_("waiting"),
        href=href,
        action=_("Review and approve") if may_approve else _("Look"),
    )


def _moved_by(policy: Version) -> int:
    return sum(move["members"] for move in (policy.preview or {}).get("moves", []))


def anomalies(user: User, at: datetime) -> Iterator[WorkItem]:
    if count := metrics.anomalies():
        yield WorkItem(
            kind="bad",
            icon="alert-triangle",
            type=_("Anomaly"),
            title=_("Members who cannot reach the state their facts say"),
            note=_("no declared move leads there; nobody is forced"),
            count=count,
            count_href=members_url(anomaly="on"),
            href=reverse("members:anomalies"),
            action=_("See why"),
        )


def expiring_soon(user: User, at: datetime) -> Iterator[WorkItem]:
    days = metrics.expiring_by_day(timezone.localtime(at).date(), EXPIRY_DAYS)[: SOON_DAYS + 1]
    if count := sum(day.manual for day in days):
        href = members_url(expires=SOON_DAYS, auto="off", sort="expiry")
        yield WorkItem(
            kind="warn",
            icon="hourglass-low",
            type=_("Expiring"),
            title=_("Terms that end within 3 days and will not renew"),
            note=_("reminders go out by themselves; a call may still help"),
            count=count,
            count_href=href,
            due=_("today") if days[0].manual else "",
            due_kind="warn",
            href=href,
            action=_("See who"),
        )


def imports(user: User, at: datetime) -> Iterator[WorkItem]:
    page = href_of("imports:index")
    if not page or not user.may(Permission.IMPORT):
        return
    for run in ImportRun.objects.needing_attention().order_by("created_at")[:IMPORTS_SHOWN]:
        failed = run.status == ImportRun.Status.FAILED
        yield WorkItem(
            kind="bad" if failed else "",
            icon="file-alert",
            type=_("Import"),
            title=run.file_name,
            note=run.get_status_display(),
            count=run.rows_rejected if failed or run.rows_rejected else run.rows_read,
            count_href=run_url(run.pk) or page,
            due=instant_text(run.created_at, at),
            due_kind="bad" if failed else "",
            href=run_url(run.pk) or page,
            action=_("Look") if failed else _("Check and confirm"),
        )


def run_url(run_id: int) -> str:
    try:
        return reverse("imports:detail", args=[run_id])
    except NoReverseMatch:
        return ""


def unknown_deliveries(user: User, at: datetime) -> Iterator[WorkItem]:
    page = href_of("campaigns:messages")
    if page and (count := MessageIntent.objects.unknown().count()):
        href = f"{page}?{urlencode({'status': MessageStatus.UNKNOWN.value})}"
        yield WorkItem(
            kind="bad",
            icon="message-2-x",
            type=_("Delivery"),
            title=_("Messages of which nobody knows whether they arrived"),
            note=_("a connection or a worker was lost at the last moment; they are never sent again by themselves"),
            count=count,
            count_href=href,
            href=href,
            action=_("Settle"),
        )


def silent_sources(user: User, at: datetime) -> Iterator[WorkItem]:
    for source, heard_at in event_metrics.silent_sources(at):
        href = reverse("ingest:source", args=[source.pk])
        yield WorkItem(
            kind="bad",
            icon="plug-connected-x",
            type=_("Source"),
            title=_("%(source)s has been silent for longer than expected") % {"source": source.name},
            note=_("scores keep their last values and nobody is taken for inactive until it speaks again"),
            due=instant_text(heard_at, at),
            due_kind="bad",
            href=href,
            action=_("Look"),
        )


def low_code_pools(user: User, at: datetime) -> Iterator[WorkItem]:
    for pool in CodePool.objects.low():
        yield WorkItem(
            kind="bad" if pool.free == 0 else "warn",
            icon="gift",
            type=_("Stock"),
            title=_("%(pool)s of %(partner)s is running out") % {"pool": name_of(pool), "partner": pool.partner},
            note=_("codes left in stock"),
            count=pool.free,
            count_href=f"{pool.get_absolute_url()}?which=free",
            href=pool.get_absolute_url(),
            action=_("Take codes in"),
        )


def offended_invariants(user: User, at: datetime) -> Iterator[WorkItem]:
    href = reverse("checks:index")
    for offence in Offence.objects.all():
        yield WorkItem(
            kind="bad",
            icon="alert-circle",
            type=_("Benefits"),
            title=_("Does not hold: %(what)s") % {"what": CHECK_WORDS.get(offence.code, offence.code)},
            note=_("grants, uses, balances and terms do not add up"),
            count=offence.count,
            count_href=href,
            due=instant_text(offence.found_at, at),
            due_kind="bad",
            href=href,
            action=_("Look"),
        )


WORK: list[WorkSource] = [
    brakes, policies, tier_policies, ladders, silent_sources, offended_invariants, low_code_pools, unknown_deliveries,
    anomalies, imports, expiring_soon,
]  # fmt: skip


def greeting(items: list[WorkItem]) -> str:
    if not items:
        return _("Nothing waits for you")
    return ngettext("%(n)s thing waits for you", "%(n)s things wait for you", len(items)) % {"n": len(items)}
