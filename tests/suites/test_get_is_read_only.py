"""Every GET runs in a read-only transaction: looking at a page changes nothing, whoever looks.

Whole pages, those of Django's admin too, are looked at so by every role in test_urls_roles; here are parts of pages.
"""

import pytest
from django.db import InternalError, connection, transaction
from django.http import HttpResponseBase
from django.test import Client

from config.staff.access import Role
from tests.suites.walk import Route, console_routes
from tests.suites.world import World


def forbid_writing() -> None:
    """From here to the end of the savepoint nothing can be written."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")


def read_only_get(client: Client, address: str, **headers: str) -> HttpResponseBase:
    """GET inside a savepoint that cannot write; streamed bodies are read to their end in it."""
    with transaction.atomic():
        forbid_writing()
        response = client.get(address, headers=headers)
        if response.streaming:
            b"".join(response.streaming_content)
        # Leaving by an error resets the savepoint to read-write; leaving quietly would not.
        transaction.set_rollback(True)
    return response


def honest(route: Route) -> tuple[int, ...]:
    """Where “not ready” is the right answer: no worker runs beside these tests."""
    return (503,) if route.name == "readyz" else ()


def test_a_write_would_be_noticed(world: World):
    forbid_writing()
    with pytest.raises(InternalError, match="read-only"):
        world.member.delete()


@pytest.mark.parametrize("route", console_routes(), ids=str)
def test_looking_at_a_swapped_part_changes_nothing(route: Route, world: World, client_of: dict[Role, Client]):
    headers = {"HX-Request": "true"}
    status = read_only_get(client_of[Role.ADMIN], route.address(world), **headers).status_code
    assert status in (*range(200, 500), *honest(route))
