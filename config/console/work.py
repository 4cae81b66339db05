"""What needs a person. Each room registers where its work is found in its ``hooks.py``; the first page lists it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.console.formats import instant_text
from config.console.reviews import PAGES, SelfApproved, Waiting
from config.console.templatetags.console import staff_name
from config.engine.brakes import GUARDED
from config.engine.registry import Registry
from config.engine.reviewed.models import ReviewedVersion
from config.staff.access import Permission
from config.staff.models import User

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


@dataclass(frozen=True)
class WorkSource:
    """Where work of one kind is found. ``order``: what is more urgent has the smaller number and is listed first.

    ``read`` is asked on every visit of the first page, so it is a query or two, whatever there is to do.
    """

    code: str
    order: int
    read: Callable[[User, datetime], Iterable[WorkItem]]
    permission: Permission = Permission.VIEW


WORK: Registry[WorkSource] = Registry("work", code_of=lambda source: source.code)


def work_for(user: User, at: datetime) -> list[WorkItem]:
    """What needs ``user``, or somebody with more rights than they have; most urgent first."""
    sources = sorted((source for source in WORK if user.may(source.permission)), key=lambda source: source.order)
    return [item for source in sources for item in source.read(user, at)]


def held_runs(user: User, at: datetime) -> Iterator[WorkItem]:
    """Every open brake of every guarded run, oldest first within a run."""
    for run in GUARDED:
        for brake in run.open_brakes():
            href = reverse(run.page, args=[brake.pk])
            yield WorkItem(
                kind="bad",
                icon="hand-stop",
                type=_("Brake"),
                title=run.title,
                note=run.limit_text(brake),
                count=run.held_count(brake),
                count_href=run.held_href(brake) if run.held_href else "",
                due=instant_text(brake.raised_at, at),
                due_kind="bad",
                href=href,
                action=_("Decide") if user.may(Permission.APPROVE) else _("Look"),
            )


def reviews(user: User, at: datetime) -> Iterator[WorkItem]:
    """Every version of every reviewed setting that waits for a decision, and what an author approved alone."""
    for pages in PAGES:
        for waiting in pages.waiting(user):
            yield _to_approve(waiting)
        for told in pages.self_approved(at):
            yield _self_approved(told, at)


def _to_approve(waiting: Waiting) -> WorkItem:
    version, decision = waiting.version, waiting.decision
    note = _("proposed by %(name)s") % {"name": staff_name(version.created_by)}
    if decision.is_author and not decision.is_open:
        note = _("you worked on it, so somebody else decides")
    count = _moved_by(version)
    return WorkItem(
        kind="on",
        icon="rubber-stamp",
        type=_("Approval"),
        title=waiting.title,
        note=note,
        count=count,
        due=_("waiting"),
        href=waiting.href,
        action=_("Review and approve") if decision.is_open else _("Look"),
    )


def _self_approved(told: SelfApproved, at: datetime) -> WorkItem:
    version = told.version
    names = {"name": staff_name(version.approved_by), "reason": version.self_approval_reason}
    return WorkItem(
        kind="warn",
        icon="rubber-stamp",
        type=_("Approval"),
        title=_("%(name)s approved their own version: %(reason)s") % names,
        note=told.title,
        due=instant_text(version.approved_at, at),
        href=told.href,
        action=_("Look"),
    )


def _moved_by(version: ReviewedVersion) -> int | None:
    """How many it would change, where the preview says so; whom the changes of a ladder touch overlaps."""
    found = version.preview or {}
    moves = found.get("moves")
    return found.get("changed", None if moves is None else sum(move["members"] for move in moves))


WORK.register(WorkSource("held_runs", 10, held_runs))
WORK.register(WorkSource("reviews", 20, reviews))
