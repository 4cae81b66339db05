"""A page asks the database as often for twenty of everything as for one. Every page, not a list of them."""

from datetime import datetime

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from config.engine.clock import now
from members.people.models import Member
from tests import factories
from tests.conftest import signed_in_client
from tests.suites.walk import Route, console_routes
from tests.suites.world import FIXED, OUR_APPS, World

FEW, MANY = 1, 20
BROKEN = "no count:"


@pytest.fixture(scope="module")
def counted(any_date, django_db_setup, django_db_blocker, tmp_path_factory) -> dict[int, dict[str, list[str]]]:
    """For both sizes of the world: the statements each address runs, by route."""
    # Nothing is kept between two requests: what a cache holds would run out somewhere in the middle.
    forgetful = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    media = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=media, CACHES=forgetful):
        return {n: _statements_in_world_of(n) for n in (FEW, MANY)}


def _statements_in_world_of(n: int) -> dict[str, list[str]]:
    with transaction.atomic():
        world = World(n, now())  # as present as the clock the pages read
        client = signed_in_client(world.admin)
        client.raise_request_exception = False
        found = {str(route): _statements(client, route, world) for route in console_routes()}
        found["rows"] = [f"{model._meta.label} {model._default_manager.count()}" for model in _our_models()]
        transaction.set_rollback(True)
    return found


def _statements(client: Client, route: Route, world: World) -> list[str]:
    try:
        address = route.address(world)
    except LookupError as error:
        return [f"{BROKEN} {error}"]
    client.get(address)  # Content types, policies and the like are read once in a process's life.
    with CaptureQueriesContext(connection) as captured, transaction.atomic():
        response = client.get(address)
        if response.status_code >= 500 and route.name != "readyz":
            return [f"{BROKEN} {response.status_code}"]
        if response.streaming:
            b"".join(response.streaming_content)
        transaction.set_rollback(True)
    return [query["sql"] for query in captured.captured_queries]


def _our_models():
    return [model for model in apps.get_models() if model._meta.app_label in OUR_APPS and not model._meta.proxy]


@pytest.mark.parametrize("route", console_routes(), ids=str)
def test_as_many_queries_for_twenty_rows_as_for_one(route: Route, counted):
    few, many = counted[FEW][str(route)], counted[MANY][str(route)]
    assert not any(sql.startswith(BROKEN) for sql in few + many), few + many
    assert len(many) == len(few), "run for twenty rows:\n" + "\n".join(sql[:300] for sql in many)


def test_the_large_world_holds_many_of_everything(counted):
    """A model the world does not know would slip through the count above."""
    rows = dict(line.rsplit(" ", 1) for line in counted[MANY]["rows"])
    thin = {label: int(n) for label, n in rows.items() if int(n) < MANY and label not in FIXED}
    assert thin == {}, "make rows of these in tests/suites/world.py, or say in FIXED why there are few"


def test_a_query_per_row_would_be_noticed(db, at: datetime):
    few = [factories.make_member(at=at)]
    many = few + [factories.make_member(at=at) for _ in range(MANY - FEW)]

    def per_row(members: list[Member]) -> int:
        with CaptureQueriesContext(connection) as captured:
            for member in members:
                list(member.terms.all())
        return len(captured)

    assert per_row(few) != per_row(many)
