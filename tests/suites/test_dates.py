"""Every page answers and every beat's work is done at a month's edges, on 29 February and on New Year's Eve.

The fast part of ``make test-dates``, which runs the whole suite with the system's clock on those dates.
"""

from collections.abc import Iterator

import pytest
import time_machine
from django.conf import settings
from django.http import HttpResponseBase
from django.test import override_settings

from config.celery import app
from tests.conftest import signed_in_client
from tests.dates import DATES
from tests.suites.walk import Route, console_routes
from tests.suites.world import World


@pytest.fixture(params=DATES, ids=str)
def world_on_a_date(request: pytest.FixtureRequest, db: None, tmp_path) -> Iterator[World]:
    """One of everything around a date on which the clock stands."""
    at = DATES[request.param]
    with time_machine.travel(at, tick=False), override_settings(MEDIA_ROOT=tmp_path):
        yield World(1, at)


def get(world: World, route: Route) -> HttpResponseBase:
    client = signed_in_client(world.admin)
    client.raise_request_exception = False
    return client.get(route.address(world))


def test_every_page_answers(world_on_a_date: World):
    answers = {
        str(route): get(world_on_a_date, route).status_code for route in console_routes() if route.name != "readyz"
    }
    assert {route: status for route, status in answers.items() if status >= 500} == {}


def test_every_beat_does_its_work(world_on_a_date: World):
    app.loader.import_default_modules()
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        app.tasks[entry["task"]]()
