"""The console's menu: what stands in it, in which order, and who sees it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.staff.access import Permission
from config.staff.models import User

Text = str | Promise


@dataclass(frozen=True)
class NavItem:
    """One entry. ``badge`` counts what waits there; it runs on every full page, so it must be one cheap query."""

    label: Text
    url_name: str
    icon: str
    permission: Permission
    section: Text = ""
    badge: Callable[[User], int] | None = None


@dataclass(frozen=True)
class ShownItem:
    """A menu entry as one viewer sees it on one page."""

    label: Text
    href: str
    icon: str
    current: bool
    badge: int


NAVIGATION = (
    NavItem(pgettext_lazy("menu", "Today"), "console:home", "layout-dashboard", Permission.VIEW),
    NavItem(_("Members"), "members:list", "users", Permission.VIEW, _("Members")),
    NavItem(_("Segments"), "segments:index", "filter-cog", Permission.VIEW, _("Members")),
    NavItem(_("Tags"), "tags:index", "tag", Permission.VIEW, _("Members")),
    NavItem(pgettext_lazy("menu", "Value"), "value:overview", "diamond", Permission.VIEW, _("Members")),
    NavItem(_("Likely duplicates"), "merging:index", "git-compare", Permission.VIEW, _("Members")),
    NavItem(_("Imports & exports"), "imports:index", "database-import", Permission.IMPORT, _("Members")),
    NavItem(_("Tiers & benefits"), "ladder:index", "stairs-up", Permission.VIEW, _("Benefits")),
    NavItem(_("Use & worth"), "benefits:index", "star", Permission.VIEW, _("Benefits")),
    NavItem(_("Earning tiers"), "tiers:overview", "diamond", Permission.VIEW, _("Benefits")),
    NavItem(_("Offers"), "offers:index", "ticket", Permission.VIEW, _("Benefits")),
    NavItem(_("Partner codes"), "codes:index", "gift", Permission.VIEW, _("Benefits")),
    NavItem(_("Family & team seats"), "seats:index", "users", Permission.VIEW, _("Benefits")),
    NavItem(_("Honours & advisers"), "honours:index", "rubber-stamp", Permission.VIEW, _("Benefits")),
    NavItem(_("Entitlement memory"), "memory:rule", "history", Permission.VIEW, _("Benefits")),
    NavItem(_("Messages"), "campaigns:messages", "mail", Permission.VIEW, _("Operations")),
    NavItem(_("Lifecycle policy"), "members:policies", "route", Permission.VIEW, _("Operations")),
    NavItem(_("Audit log"), "console:audit", "history", Permission.VIEW, _("System")),
    NavItem(_("Event catalogue"), "ingest:events", "list", Permission.VIEW, _("System")),
    NavItem(_("Event sources"), "ingest:sources", "database-import", Permission.VIEW, _("System")),
    NavItem(_("Plans & tiers"), "members:plans", "adjustments-horizontal", Permission.ADMINISTER, _("System")),
    NavItem(_("Administration"), "admin:index", "database", Permission.ADMINISTER, _("System")),
)


def href_of(url_name: str) -> str:
    """The address of a page, or an empty string while nothing answers under that name."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


def _lies_in(path: str, href: str, hrefs: list[str]) -> bool:
    """Whether ``path`` is the page at ``href`` or under it; the page all others lie under is itself alone."""
    if any(other != href and other.startswith(href) for other in hrefs):
        return path == href
    return path.startswith(href)


def menu_for(user: User, path: str, items: Iterable[NavItem] = NAVIGATION) -> list[tuple[Text, list[ShownItem]]]:
    """The sections of the menu that ``user`` may open, each with its entries; the one ``path`` lies in is current."""
    allowed = [(item, href) for item in items if user.may(item.permission) and (href := href_of(item.url_name))]
    hrefs = [href for _item, href in allowed]
    return [
        (
            section,
            [
                ShownItem(
                    label=item.label,
                    href=href,
                    icon=item.icon,
                    current=_lies_in(path, href, hrefs),
                    badge=item.badge(user) if item.badge else 0,
                )
                for item, href in group
            ],
        )
        for section, group in groupby(allowed, key=lambda pair: pair[0].section)
    ]
