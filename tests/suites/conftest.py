from datetime import datetime

import pytest
from django.test import Client

from config.staff.access import Role
from config.staff.clock import now
from tests.conftest import signed_in_client
from tests.factories import UserFactory
from tests.suites.world import World


@pytest.fixture(autouse=True)
def _sessions_in_cookies(settings) -> None:
    """So that reading a page touches no table for the sake of the session itself."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"


@pytest.fixture
def present() -> datetime:
    """Pages read the clock themselves, so their world lies around the real present."""
    return now()


@pytest.fixture
def world(db: None, present: datetime) -> World:
    return World(1, present)


@pytest.fixture
def client_of(db: None) -> dict[Role, Client]:
    """A signed-in client of every role."""
    return {role: signed_in_client(UserFactory(role=role)) for role in Role}
