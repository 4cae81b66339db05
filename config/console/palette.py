"""What Ctrl-K finds, as far as the viewer's role goes. Each room registers what it finds, and what one may do there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.console.menu import Text, entries_for
from config.engine.registry import Registry
from config.staff.access import Permission
from config.staff.models import User

Found = list[dict[str, Any]]


@dataclass(frozen=True)
class PaletteAction:
    """Something to do, by its page; ``also`` are other words people type for it."""

    label: Text
    url_name: str
    icon: str
    order: int
    permission: Permission = Permission.VIEW
    also: str = ""


@dataclass(frozen=True)
class PaletteGroup:
    """What is found of one kind: for each the label, ``href`` and icon, and perhaps a note and a state."""

    code: str
    order: int
    label: Text
    find: Callable[[User, str], Found]
    permission: Permission = Permission.VIEW


ACTIONS: Registry[PaletteAction] = Registry("palette actions", code_of=lambda action: action.url_name)
PALETTE: Registry[PaletteGroup] = Registry("palette", code_of=lambda group: group.code)


def find(user: User, text: str) -> list[dict[str, Any]]:
    """Groups of results for what was typed, those without any left out."""
    wanted = text.strip()
    groups = sorted((group for group in PALETTE if user.may(group.permission)), key=lambda group: group.order)
    found = [{"label": group.label, "items": group.find(user, wanted)} for group in groups]
    return [group for group in found if group["items"]]


def _pages(user: User, text: str) -> Found:
    return [
        {"label": entry.label, "href": href, "icon": entry.icon}
        for entry, href in entries_for(user)
        if _matches(text, str(entry.label))
    ]


def _actions(user: User, text: str) -> Found:
    return [
        {"label": action.label, "href": reverse(action.url_name), "icon": action.icon}
        for action in sorted(ACTIONS, key=lambda action: action.order)
        if user.may(action.permission) and _matches(text, f"{action.label} {action.also}")
    ]


def _matches(text: str, words: str) -> bool:
    return text.casefold() in words.casefold()


PALETTE.register(PaletteGroup("pages", 50, _("Pages"), _pages))
PALETTE.register(PaletteGroup("actions", 60, _("Actions"), _actions))
