"""What needs a person. Each room registers where its work is found in its ``hooks.py``; the first page lists it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.console.formats import instant_text
from config.engine.brakes import GUARDED
from config.engine.registry import Registry
from config.engine.reviewed import Version
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
                count_href=run.held_href(brake) if run.held_href else href,
                due=instant_text(brake.raised_at, at),
                due_kind="bad",
                href=href,
                action=_("Decide") if user.may(Permission.APPROVE) else _("Look"),
            )


def approval_item(user: User, version: Version, title: str, href: str, count: int | None = None) -> WorkItem:
    """A version that waits for a second person; ``title`` has places for its version and note."""
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


WORK.register(WorkSource("held_runs", 10, held_runs))
