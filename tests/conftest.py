"""Fixtures for every test: the four roles, clients, the instant all tests agree on, and the factories."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client, TransactionTestCase
from django.utils import translation
from playwright.sync_api import Browser, sync_playwright

from config.engine.registry import Registry
from config.staff.access import Role
from config.staff.models import User
from tests import database, factories
from tests.browser.site import launch
from tests.dates import AT, date_of_run

__all__ = ["AT"]


@pytest.fixture(scope="session", autouse=True)
def standing_clock() -> Iterator[None]:
    """The clock stands at AT for whatever runs in this process, migrations included: no result depends on the day.

    PostgreSQL, the browser and other processes have the system's clock; tests/suites/test_clock.py says who reads it.
    """
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture(scope="module")
def any_date() -> Iterator[None]:
    """For a module that builds its world around the product's clock: ``make test-dates`` runs it on other dates."""
    with time_machine.travel(date_of_run(), tick=False):
        yield


@pytest.fixture
def now(any_date: None) -> datetime:
    """What the product's clock says in a module of ``any_date``."""
    return date_of_run()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(standing_clock: None, django_db_modify_db_settings: None, django_db_blocker) -> None:
    """The database of each process is copied, not migrated."""
    with django_db_blocker.unblock():
        database.copy_a_template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Tests that commit put the database back to what the migrations made."""
    TransactionTestCase._fixture_teardown = lambda self: database.back_to_seed()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium a process, for every test that needs one: Playwright cannot start twice in a thread."""
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture
def lend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """``lend(registry)``: what the test adds to a registry, or takes out of what this returns, ends with the test."""

    def lend(registry: Registry[Any], *, empty: bool = False) -> dict[str, Any]:
        things = {} if empty else dict(registry.items())
        monkeypatch.setattr(registry, "_things", things)
        return things

    return lend


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Texts are asserted in the source language; tests of the Chinese pages switch by themselves."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def empty_cache(request: pytest.FixtureRequest) -> None:
    """No test reads what another one cached. Only tests with a database can have cached anything."""
    if {"db", "transactional_db", "live_server"} & set(request.fixturenames):
        cache.clear()


@pytest.fixture
def user_with(db: None) -> Callable[[str], User]:
    """``user_with(role)``: a staff account of that role."""
    return lambda role: factories.UserFactory(role=role)


@pytest.fixture
def client_as(user_with: Callable[[str], User]) -> Callable[[str], Client]:
    """``client_as(role)``: a client signed in with that role, reading English."""

    def sign_in(role: str) -> Client:
        return signed_in_client(user_with(role))

    return sign_in


def signed_in_client(user: User, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def viewer(user_with: Callable[[str], User]) -> User:
    return user_with(Role.VIEWER)


@pytest.fixture
def operator(user_with: Callable[[str], User]) -> User:
    return user_with(Role.OPERATOR)


@pytest.fixture
def approver(user_with: Callable[[str], User]) -> User:
    return user_with(Role.APPROVER)


@pytest.fixture
def admin(user_with: Callable[[str], User]) -> User:
    return user_with(Role.ADMIN)


@pytest.fixture
def viewer_client(viewer: User) -> Client:
    return signed_in_client(viewer)


@pytest.fixture
def operator_client(operator: User) -> Client:
    return signed_in_client(operator)


@pytest.fixture
def approver_client(approver: User) -> Client:
    return signed_in_client(approver)


# Named as pytest-django's own fixture, so that nobody meets a superuser of another make.
@pytest.fixture
def admin_client(admin: User) -> Client:
    return signed_in_client(admin)


@pytest.fixture
def tier(db: None):
    return factories.TierFactory()


@pytest.fixture
def plan(db: None):
    return factories.PlanFactory()


@pytest.fixture
def member(db: None, at: datetime):
    return factories.make_member(at=at)
