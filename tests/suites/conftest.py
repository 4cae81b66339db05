from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client, override_settings

from config.engine.clock import now
from config.staff.access import Role
from tests.conftest import signed_in_client
from tests.factories import UserFactory
from tests.suites.world import World


@pytest.fixture(scope="module", autouse=True)
def _sessions_in_cookies() -> Iterator[None]:
    """So that reading a page touches no table for the sake of the session itself."""
    with override_settings(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies"):
        yield


@pytest.fixture(scope="module", autouse=True)
def _on_the_date_of_the_run(any_date: None) -> None:
    """Every page is called on the dates of ``make test-dates``, too."""


@pytest.fixture(scope="module")
def small_world(any_date, django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[World]:
    """One of everything, around the present, for all tests of a module; each test's changes are rolled back."""
    with (
        django_db_blocker.unblock(),
        override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media")),
        transaction.atomic(),
    ):
        yield World(1, now())
        transaction.set_rollback(True)


@pytest.fixture
def world(small_world: World, db: None) -> World:
    return small_world


@pytest.fixture
def client_of(world: World) -> dict[Role, Client]:
    """A signed-in client of every role."""
    return {role: signed_in_client(UserFactory(role=role)) for role in Role}
