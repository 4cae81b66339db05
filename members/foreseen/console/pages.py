"""The members behind the figures of a preview: an address of every reviewed setting that says whom it would change."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeVar
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config.console.http import StaffRequest
from config.console.paging import Pages
from config.console.reviews import ReviewPages
from config.engine.ids import read_id
from config.engine.reviewed.models import ReviewedVersion
from config.staff.access import Permission, requires
from members.foreseen.models import Foresight
from members.foreseen.operations import KEY, kept_changes
from members.foreseen.querysets import NOBODY, Changes, FigureAsked, MemberForeseen
from members.people.models import Member

V = TypeVar("V", bound=ReviewedVersion)

_CODE = re.compile(r"[^\x00-\x1f]{1,80}")


def read_figure(params: QueryDict) -> FigureAsked:
    """The figure that an address asks for: ``what``, and ``from`` and ``to`` unless it is a total."""
    what, before, after = (str(params.get(name, "")) for name in ("what", "from", "to"))
    found = [code if _CODE.fullmatch(code) else None for code in (before, after)]
    return FigureAsked(what if _CODE.fullmatch(what) else "", *found)


class MembersForeseen(Pages):
    """The members whom one figure counts, in the order of their numbers, with what would change of them."""

    def __init__(self, changes: Changes, params: QueryDict, *, kept: Mapping[str, str] | None = None) -> None:
        """``kept``: what else the address asks for, and further pages do too."""
        self.changes = changes
        self.kept = kept or {}
        self.figure = read_figure(params)
        self.after = read_id(params.get("after", ""))

    def asked(self) -> dict[str, Any]:
        return {"what": self.figure.what, "from": self.figure.before, "to": self.figure.after, **self.kept}

    def mark(self, row: MemberForeseen) -> object:
        return row.member_id

    @cached_property
    def _found(self) -> list[MemberForeseen]:
        return self.changes.members(self.figure, behind=self.after or 0, limit=self.size + 1)

    @cached_property
    def count(self) -> int:
        """Of all pages together."""
        return self.changes.count(self.figure)

    @cached_property
    def members(self) -> dict[int, Member]:
        """Those of this page."""
        return Member.objects.select_related("lifecycle").in_bulk([row.member_id for row in self.rows])


class Leads(Protocol):
    def __call__(self, what: str, before: str | None = None, after: str | None = None) -> str:
        """The address of the members whom a figure counts, with a side left out those of the total over it; may be
        empty."""


def figure_address(page: str, figure: FigureAsked) -> str:
    """The list at ``page`` narrowed to one figure."""
    query = {"what": figure.what, "from": figure.before, "to": figure.after}
    return f"{page}?{urlencode({name: code for name, code in query.items() if code})}"


@dataclass(frozen=True)
class MemberRow:
    """A member with what is and what would be, in words."""

    member: Member
    before: str
    after: str


class ForeseenPages(ReviewPages[V]):
    """Pages of a setting whose preview counts members; a subclass says what its codes are called.

    Each figure opens its members at ``members/``. What the look kept is shown; a setting whose statement is quick may
    ask it anew instead, by ``changes_of``.
    """

    # What is a lifecycle state on either side, which lists show as such.
    states: ClassVar[frozenset[str]] = frozenset()

    def changes_of(self, version: V) -> Changes | None:
        """Whom the version would change; None where nobody looked, or it is kept no longer."""
        kept = (version.preview or {}).get(KEY)
        return kept_changes(kept) if kept and Foresight.objects.filter(pk=kept).exists() else None

    def heads(self, what: str) -> tuple[str | Promise, str | Promise]:
        """What the columns before and after are called."""
        return _("Now"), _("Then")

    def words_for(self, what: str) -> Callable[[str], str]:
        """What names a code of either side for people, whatever an address says it is."""
        raise NotImplementedError

    def heading(self, figure: FigureAsked) -> str:
        """What a figure counts: from where to where, unless the setting has better words."""
        words = self.words_for(figure.what)
        before, after = (code and words(code) for code in (figure.before, figure.after))
        if before and after:
            return _("From %(before)s to %(after)s") % {"before": before, "after": after}
        if before or after:
            return (_("From %(before)s") if before else _("To %(after)s")) % {"before": before, "after": after}
        return _("Everybody who would change")

    def leads_of(self, version: V) -> Leads:
        """What gives a figure of the version its address."""
        if self.changes_of(version) is None:
            return lambda what, before=None, after=None: ""
        return lambda what, before=None, after=None: figure_address(
            self.address("members", version.pk), FigureAsked(what, before, after)
        )

    def urls(self, at: str) -> list[URLPattern]:
        return [*super().urls(at), *self.members_urls(at)]

    def members_urls(self, at: str) -> list[URLPattern]:
        return [self._path(at, "members", requires(Permission.VIEW)(require_safe(self._of(self.members))))]

    def members(self, request: StaffRequest, pk: int) -> HttpResponse:
        """The members behind one figure, each with what is and what would be."""
        version = get_object_or_404(self.review.model, pk=pk)
        title = str(self.words.one) % {"version": version.version}
        changes, looked_at = self.changes_of(version), self.looked_at(version)
        return self.members_page(request, changes, looked_at, back={"href": self.page(pk), "label": title})

    def looked_at(self, version: V) -> datetime | None:
        """When the members were found; None where they are found anew each time."""
        return version.previewed_at

    def members_page(
        self,
        request: StaffRequest,
        changes: Changes | None,
        looked_at: datetime | None,
        *,
        back: dict[str, str],
        kept: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """The list of what the address asks for; ``back`` is the page above it."""
        listed = MembersForeseen(changes or NOBODY, request.GET, kept=kept)
        figure = listed.figure
        are_states = figure.what in self.states
        mark = str if are_states else self.words_for(figure.what)
        rows = [
            MemberRow(member, mark(row.before), mark(row.after))
            for row in listed.rows
            if (member := listed.members.get(row.member_id))
        ]
        context = {
            "listed": listed, "rows": rows, "heads": self.heads(figure.what), "heading": self.heading(figure),
            "are_states": are_states, "is_kept": changes is not None, "looked_at": looked_at, "back": back,
        }  # fmt: skip
        return render(request, "foreseen/members.html", context)
