"""Every page of the console in a real browser: axe finds nothing, and nothing scrolls sideways on a small screen."""

import pytest
from django.test import Client

from tests.browser import site
from tests.conftest import signed_in_client
from tests.suites.walk import console_routes
from tests.suites.world import World

# Contrast changes with the theme, layout with the width: between them the two see every rule at its hardest.
WIDTHS = {"light": (1440, 320), "dark": (1440, 390)}


def pages_of(world: World) -> list[str]:
    """The addresses that answer an admin's GET with a page, found by asking."""
    client: Client = signed_in_client(world.admin)
    client.raise_request_exception = False
    found = []
    for route in console_routes():
        address = route.address(world)
        response = client.get(address)
        if response.status_code == 200 and b"<html" in response.getvalue():
            found.append(address)
    return found


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("theme", "language"), [("light", "zh-hans"), ("dark", "en")])
def test_axe_finds_nothing_on_any_page(world: World, live_server, open_page, theme: str, language: str):
    page = open_page(world.admin, csp=False, theme=theme, language=language)
    addresses = pages_of(world)
    assert addresses
    found = []
    for address in addresses:
        page.goto(live_server.url + address)
        for width in WIDTHS[theme]:
            page.set_viewport_size({"width": width, "height": 900})
            found += [f"{address} at {width}: {line}" for line in site.findings(page)]
            if sideways := site.sideways_scroll(page):
                found.append(f"{address} at {width}: {sideways} px wider than the screen")
    assert not found, "\n".join(found)


def test_axe_would_find_something(live_server, open_page):
    page = open_page(csp=False)
    page.goto(f"{live_server.url}/login/")
    page.evaluate("document.querySelector('main').append(new Image(20, 20))")
    assert any(line.startswith("image-alt") for line in site.findings(page))
