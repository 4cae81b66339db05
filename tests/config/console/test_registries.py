"""What the menu, the palette and the first page hold comes from the rooms, in a fixed order and in both languages."""

import sys

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import translation

from config.console.cards import HOME, cards_for
from config.console.menu import MENU, entries_for
from config.console.palette import ACTIONS, PALETTE, find
from config.console.searches import LISTS
from config.engine.brakes import GUARDED
from config.staff.access import Role
from config.staff.models import User

ADMIN = User(role=Role.ADMIN)
PAGES = [
    "console:home", "members:list", "segments:index", "tags:index", "value:overview", "merging:index", "imports:index",
    "ladder:index", "benefits:index", "tiers:overview", "offers:index", "codes:index", "seats:index", "honours:index",
    "memory:rule", "campaigns:messages", "members:policies", "console:audit", "ingest:events", "ingest:sources",
    "members:plans", "admin:index",
]  # fmt: skip


def test_every_hook_is_called():
    """A room whose hooks nobody imports brings nothing along."""
    names = [
        ".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts)
        for app in ("members", "entitlements", "tasks_engine", "campaigns", "config")
        for path in (settings.BASE_DIR / app).rglob("hooks.py")
    ]
    assert len(names) > 15
    assert [name for name in names if name not in sys.modules] == []


def test_the_menu_holds_every_room_in_its_order():
    assert [entry.url_name for entry, _href in entries_for(ADMIN)] == PAGES
    sections = [str(entry.section.label) for entry, _href in entries_for(ADMIN)]
    assert list(dict.fromkeys(sections)) == ["", "Members", "Benefits", "Operations", "System"]


def test_no_place_is_taken_twice():
    places = [
        [(entry.section.order, entry.order) for entry in MENU],
        [action.order for action in ACTIONS],
        [group.order for group in PALETTE],
        [(card.is_wide, card.order) for card in HOME],
    ]
    for taken in places:
        assert len(set(taken)) == len(taken)


def test_the_first_page_holds_the_cards_of_the_rooms():
    assert [card.code for card in cards_for(ADMIN) if not card.is_wide] == ["jobs", "expiry", "messages_today"]
    assert [card.code for card in cards_for(ADMIN) if card.is_wide] == ["lifecycle"]


@pytest.mark.django_db
def test_the_palette_holds_the_actions_of_the_rooms():
    groups = find(ADMIN, "")
    assert [str(group["label"]) for group in groups] == ["Pages", "Actions"]
    hrefs = [item["href"] for item in groups[1]["items"]]
    names = ["members:new", "imports:new", "members:policy-new", "members:anomalies", "members:plan-new"]
    assert hrefs == [reverse(name) for name in names]
    assert find(ADMIN, "套餐")[-1]["items"][-1]["href"] == reverse("members:plan-new")


def test_the_lists_with_a_search_exist():
    assert {reverse(url_name) for url_name in LISTS}
    assert set(dict(LISTS.items())) == {"members", "messages"}


def test_labels_are_in_both_languages():
    labelled = [entry.label for entry in MENU] + [action.label for action in ACTIONS]
    labelled += [group.label for group in PALETTE] + [run.title for run in GUARDED]
    for label in labelled:
        with translation.override("en"):
            english = str(label)
        with translation.override("zh-hans"):
            chinese = str(label)
        assert english.isascii()
        assert chinese != english
