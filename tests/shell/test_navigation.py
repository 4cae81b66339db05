import pytest
from django.test import RequestFactory, override_settings
from django.urls import NoReverseMatch

from config.console.menu import SYSTEM, TOP, MenuEntry, menu_for
from config.home.context_processors import console
from config.staff.access import Permission, Role
from config.staff.models import User

ITEMS = (
    MenuEntry("Settings", "console:settings", "settings", SYSTEM, 10, Permission.ADMINISTER, badge=lambda user: 3),
    MenuEntry("Today", "console:home", "home", TOP, 10),
)

override = override_settings(ROOT_URLCONF="tests.shell.urls")


def labels(role: str) -> list[str]:
    return [str(item.label) for _section, items in menu_for(User(role=role), "/", ITEMS) for item in items]


@override
def test_only_what_is_allowed():
    assert labels(Role.VIEWER) == ["Today"]
    assert labels(Role.ADMIN) == ["Today", "Settings"]


@override
def test_an_entry_without_a_page_is_an_error():
    with pytest.raises(NoReverseMatch):
        menu_for(User(role=Role.VIEWER), "/", (MenuEntry("Not built", "nothing:here", "x", SYSTEM, 20),))


@override
def test_the_page_one_stands_in_is_current():
    shown = {
        i.label: i for _s, items in menu_for(User(role=Role.ADMIN), "/console/settings/plans/", ITEMS) for i in items
    }
    assert shown["Settings"].current
    assert not shown["Today"].current
    assert shown["Settings"].badge == 3
    at_home = menu_for(User(role=Role.ADMIN), "/console/", ITEMS)
    assert at_home[0][1][0].current


@override
def test_cookies_are_not_trusted():
    request = RequestFactory().get("/")
    request.COOKIES = {"theme": '"><script>', "density": "huge"}
    request.user = User(role=Role.VIEWER)
    context = console(request)
    assert context["theme"] == "light"
    assert context["density"] == "normal"
    assert context["nav"]()
