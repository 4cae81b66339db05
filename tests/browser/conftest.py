from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page

from config.celery import app as celery_app
from config.engine.clock import now
from config.staff.models import User
from tests.browser import site
from tests.factories import UserFactory
from tests.suites.world import World

OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module", autouse=True)
def _on_the_date_of_the_run(any_date: None) -> None:
    """Whole journeys are walked on the dates of ``make test-dates``, too."""


@pytest.fixture
def world(live_server, tmp_path, settings) -> World:
    """Three of everything, committed, behind the running site; its admin has a password."""
    settings.MEDIA_ROOT = tmp_path / "media"
    built = World(3, now())
    _set_password(built.admin)
    return built


@pytest.fixture
def staff(transactional_db) -> Callable[[str], User]:
    """``staff(role)``: an account of that role that can sign in."""

    def make(role: str) -> User:
        user = UserFactory(role=role)
        _set_password(user)
        return user

    return make


def _set_password(user: User) -> None:
    user.set_password(site.PASSWORD)
    user.save(update_fields=["password"])


@pytest.fixture
def workers_at_once() -> Iterator[None]:
    """What would wake a worker is done in the request itself: no worker runs beside a test."""
    before = celery_app.conf.task_always_eager
    celery_app.conf.task_always_eager = True
    yield
    celery_app.conf.task_always_eager = before


@pytest.fixture
def open_page(browser: Browser, live_server) -> Iterator[OpenPage]:
    """``open_page(user, language=, theme=, width=, csp=)``: a page of that user's, signed in through the form.

    At the end no page may have had a script error or a breach of the content security policy.
    """
    errors: list[str] = []
    with ExitStack() as visits:

        def open_(user: User | None = None, **options) -> Page:
            context = visits.enter_context(site.visit(browser, live_server.url, **options))
            page = site.page_of(context, errors)
            if user is not None:
                site.sign_in(page, live_server.url, user.username)
            return page

        yield open_
    assert errors == []
