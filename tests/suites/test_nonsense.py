"""Nonsense in any parameter of any GET is answered, never an error of ours: what stands in an address is a stranger's.

Which parameters a page reads is found while it is asked: those it reads from the address, through whatever form or
filter, and those that links and forms anywhere carry to it.
"""

from collections import defaultdict
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import Resolver404, resolve

from config.staff.access import Role
from tests.conftest import signed_in_client
from tests.suites.asking import NONSENSE, addresses_on, nonsense_for, query_of, richest, written
from tests.suites.asking import asked as asked
from tests.suites.walk import Route, console_routes
from tests.suites.world import World

Queries = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def visitor(small_world: World) -> Client:
    """An admin, whom every page of people lets in, with a program's key for the pages of programs."""
    return signed_in_client(small_world.admin)


def visitor_of(route: Route, world: World, visitor: Client) -> Client:
    return world.program if route.is_for_programs else visitor


def answer(client: Client, address: str) -> tuple[str, str]:
    """What is wrong with the answer, empty where nothing is; and the page, where it is one."""
    try:
        with transaction.atomic():
            response = client.get(address)
            body = b"".join(response.streaming_content) if response.streaming else response.content
            transaction.set_rollback(True)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300], ""
    html = body.decode() if response.get("Content-Type", "").startswith("text/html") else ""
    return (str(response.status_code) if response.status_code >= 500 else ""), html


@pytest.fixture(scope="module")
def carried(small_world: World, visitor: Client) -> Queries:
    """The queries that links and forms of every page carry, by the name of the address they lead to."""
    found: Queries = defaultdict(list)
    for route in console_routes():
        at = route.address(small_world)
        _, html = answer(visitor_of(route, small_world, visitor), at)
        for address in addresses_on(html, at):
            if query := query_of(address):
                found[route_name(address)].append(query)
    return found


def route_name(address: str) -> str:
    try:
        return resolve(address.split("?")[0].split("#")[0]).view_name
    except Resolver404:
        return ""


@pytest.mark.parametrize("route", [route for route in console_routes() if route.name != "readyz"], ids=str)
def test_nonsense_in_a_parameter_is_answered(
    route: Route, world: World, visitor: Client, carried: Queries, asked: set[str]
):
    client, address, wrong = visitor_of(route, world, visitor), route.address(world), {}
    queries = carried[route.full_name]
    answer(client, address)
    done: set[str] = set()
    while waiting := sorted({*asked, *(name for query in queries for name in query)} - done):
        for name in waiting:
            for what, address_of in variants(name, queries):
                problem, _ = answer(client, address + address_of)
                if problem:
                    wrong[f"{name}: {what}"] = problem
        done.update(waiting)
    assert wrong == {}


def variants(name: str, queries: list[dict[str, str]]) -> Iterator[tuple[str, str]]:
    """What is wrong with the parameter, and the query that says it: alone, and beside what links say with it."""
    yield from ((what, written({}, name, nonsense)) for what, nonsense in NONSENSE.items())
    beside = richest(queries, name)
    if beside:
        found = nonsense_for(beside[name]) if len(beside) > 1 else list(nonsense_for(beside[name]))[len(NONSENSE) :]
        yield from ((what, written(beside, name, nonsense)) for what, nonsense in found)


@pytest.mark.parametrize("route", [route for route in console_routes() if route.arguments], ids=str)
def test_nonsense_in_the_path_is_answered(route: Route, world: World, visitor: Client):
    client, wrong = visitor_of(route, world, visitor), {}
    for name in route.arguments:
        for what, nonsense in NONSENSE.items():
            problem, _ = answer(client, route.address_with(world, name, nonsense))
            if problem:
                wrong[f"{name}: {what}"] = problem
    assert wrong == {}


def test_what_a_page_reads_is_noticed(asked: set[str]):
    """Through a copy, a form or a list; else a parameter could escape the suite."""
    request: HttpRequest = RequestFactory().get("/")
    query = request.GET.copy()
    query.get("got"), query.getlist("listed"), "held" in query
    assert asked == {"got", "listed", "held"}


def test_an_error_would_be_noticed(rf: RequestFactory, monkeypatch: pytest.MonkeyPatch, user_with):
    from config.home.views import home

    monkeypatch.setattr(home, "cards_for", lambda user: int("²"))
    problem, _ = answer(signed_in_client(user_with(Role.VIEWER)), "/console/")
    assert problem.startswith("ValueError")
