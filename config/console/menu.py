"""The console's menu. Each room registers its entries in its ``hooks.py``; who may not open a page does not see it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.engine.registry import Registry
from config.staff.access import Permission
from config.staff.models import User

Text = str | Promise


@dataclass(frozen=True)
class Section:
    """A part of the menu under its heading."""

    order: int
    label: Text = ""


TOP = Section(0)
MEMBERS = Section(1, _("Members"))
BENEFITS = Section(2, _("Benefits"))
OPERATIONS = Section(3, _("Operations"))
SYSTEM = Section(4, _("System"))


@dataclass(frozen=True)
class MenuEntry:
    """One page of the menu; ``order`` is its place in the section.

    ``badge`` counts what waits there; it runs on every full page, so it must be one cheap query.
    """

    label: Text
    url_name: str
    icon: str
    section: Section
    order: int
    permission: Permission = Permission.VIEW
    badge: Callable[[User], int] | None = None


@dataclass(frozen=True)
class ShownEntry:
    """A menu entry as one viewer sees it on one page."""

    label: Text
    href: str
    icon: str
    current: bool
    badge: int


MENU: Registry[MenuEntry] = Registry("menu", code_of=lambda entry: entry.url_name)


def entries_for(user: User, entries: Iterable[MenuEntry] | None = None) -> list[tuple[MenuEntry, str]]:
    """The entries of pages ``user`` may open, in their order, each with its address."""
    ordered = sorted(MENU if entries is None else entries, key=lambda entry: (entry.section.order, entry.order))
    return [(entry, reverse(entry.url_name)) for entry in ordered if user.may(entry.permission)]


def _lies_in(path: str, href: str, hrefs: list[str]) -> bool:
    """Whether ``path`` is the page at ``href`` or under it; the page all others lie under is itself alone."""
    if any(other != href and other.startswith(href) for other in hrefs):
        return path == href
    return path.startswith(href)


def menu_for(user: User, path: str, entries: Iterable[MenuEntry] | None = None) -> list[tuple[Text, list[ShownEntry]]]:
    """The sections of the menu that ``user`` may open, each with its entries; the one ``path`` lies in is current."""
    allowed = entries_for(user, entries)
    hrefs = [href for _entry, href in allowed]
    return [
        (
            section.label,
            [
                ShownEntry(
                    label=entry.label,
                    href=href,
                    icon=entry.icon,
                    current=_lies_in(path, href, hrefs),
                    badge=entry.badge(user) if entry.badge else 0,
                )
                for entry, href in group
            ],
        )
        for section, group in groupby(allowed, key=lambda pair: pair[0].section)
    ]
