"""Every figure with a link equals what is behind the link: the same person, the same moment, the rows counted."""

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from django.db import transaction
from django.test import Client, override_settings

from config.engine.clock import now
from tests.conftest import signed_in_client
from tests.suites import markup
from tests.suites.walk import Route, console_routes
from tests.suites.world import ASKED, World

SOME = 5
MOST_PAGES = 40


@pytest.fixture(scope="module")
def some_world(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[World]:
    """A few of everything, and nothing remembered between two requests: each counts for itself."""
    forgetful = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    with (
        django_db_blocker.unblock(),
        override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media"), CACHES=forgetful),
        transaction.atomic(),
    ):
        yield World(SOME, now())
        transaction.set_rollback(True)


class Reader:
    """Somebody who looks at pages and counts the rows behind links, each once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.counted: dict[str, str] = {}

    def page(self, address: str) -> markup.Element | None:
        """The page at an address; None where there is none that people look at."""
        with transaction.atomic():
            response = self.client.get(address)
            transaction.set_rollback(True)
        is_page = response.status_code == 200 and response.get("Content-Type", "").startswith("text/html")
        return markup.read_page(response.content.decode()) if is_page else None

    def behind(self, address: str) -> str:
        """How many rows the list at ``address`` has over all its pages, or why nobody can tell."""
        if address not in self.counted:
            self.counted[address] = self._count(address)
        return self.counted[address]

    def _count(self, address: str) -> str:
        rows, totals, at = 0, [], address
        for _ in range(MOST_PAGES):
            page = self.page(at.split("#")[0])
            if page is None:
                return "no page there"
            found = markup.lists_of(page, urlsplit(address).fragment)
            if len(found) > 1:
                return f"{len(found)} lists there"
            if not found and not is_empty(page):
                return "no list there"
            rows += markup.rows_of(found[0]) if found else 0
            totals += markup.totals_of(page)
            further = markup.next_of(page) if found else ""
            if not further:
                break
            at = urljoin(at, further)
        said = {total for total in totals if total != str(rows)}
        return f"{rows} rows, though it says {sorted(said)}" if said else str(rows)


def is_empty(page: markup.Element) -> bool:
    """Whether the page says that there is nothing."""
    return any("empty" in element.attributes.get("class", "").split() for element in page.walk())


@pytest.fixture(scope="module")
def reader(some_world: World) -> Reader:
    return Reader(signed_in_client(some_world.admin))


PAGES = [route for route in console_routes() if not route.is_for_programs and route.name != "readyz"]


@pytest.mark.parametrize("route", PAGES, ids=str)
def test_figures_equal_the_lists_behind_them(route: Route, some_world: World, reader: Reader, db: None):
    """And every link that shows a number says in ``data-count`` which, or nobody could compare it."""
    wrong = []
    for query in queries_of(route, some_world):
        address = route.address(some_world) + query
        page = reader.page(address)
        if page is not None:
            wrong += [f"{address}: {line}" for line in unmarked(page)]
            wrong += [f"{address}: {line}" for line in mismatches(page, address, reader)]
    assert wrong == []


def queries_of(route: Route, world: World) -> list[str]:
    """The page as its address says, and as links ask for it."""
    return ["", *(ASKED[route.full_name](world) if route.full_name in ASKED else ())]


def unmarked(page: markup.Element) -> list[str]:
    links = markup.unmarked_figures(page)
    return [f"{link.text!r} → {link.attributes['href']} says no data-count" for link in links]


def mismatches(page: markup.Element, address: str, reader: Reader) -> list[str]:
    found = []
    for link in markup.links_with_count(page):
        said, behind = link.attributes["data-count"], urljoin(address, link.attributes["href"])
        if said not in markup.figures_in(link):
            found.append(f"{link.text!r} says {said}")
        elif (rows := reader.behind(behind)) != said:
            found.append(f"{link.text!r} says {said}, behind {behind}: {rows}")
    return found


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="/?a">1,234</a>', ["1,234"]),
        ('<a href="/?a"><span>All</span><b>12</b></a>', ["All 12"]),
        ('<a href="/?a" data-count="12">12</a>', []),
        ('<a href="/?a">12 members</a>', []),
        ("<a>12</a>", []),
    ],
)
def test_a_figure_without_its_count_would_be_noticed(html: str, expected: list[str]):
    assert [link.text for link in markup.unmarked_figures(markup.read_page(html))] == expected


def test_rows_are_counted_as_they_stand():
    page = markup.read_page(
        '<section id="a"><table data-rows><thead><tr><th>Head</th></tr></thead><tbody><tr><td><ul><li>no row</li></ul>'
        '</td></tr><tr></tr></tbody></table></section><section><h2 id="b">B</h2><ul data-rows><li>1</li></ul></section>'
    )
    assert [markup.rows_of(found) for found in markup.lists_of(page)] == [2, 1]
    assert [markup.rows_of(found) for found in markup.lists_of(page, "a")] == [2]
    assert [markup.rows_of(found) for found in markup.lists_of(page, "b")] == [1]
