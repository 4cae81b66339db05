"""Every address × role × method: what a view declares is what each role gets, and no view declares nothing."""

from itertools import product
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from config.audit.models import AuditEntry
from config.staff.access import Permission, Role
from tests.suites.walk import (
    OURS,
    PUBLIC_THIRD_PARTY,
    Route,
    admin_routes,
    console_routes,
    routes,
)
from tests.suites.world import World

METHODS = ("get", "head", "post", "put", "patch", "delete")
SERVED = {200, 201, 202, 204, 206, 301, 302, 303, 304, 400, 404, 405, 409, 410, 413, 415, 422}
"""What somebody may get who is let in: anything but 401, 403 and an error of ours."""


KEYED = {401}
"""What a public view may answer besides: it asks for a key of its own, and no role is one."""


def attempt(client: Client, method: str, address: str) -> tuple[int, bool]:
    """The status of one request, and whether it left an audit row; whatever it did is undone."""
    with transaction.atomic():
        audited = AuditEntry.objects.count()
        response = getattr(client, method)(address)
        outcome = response.status_code, AuditEntry.objects.count() != audited
        transaction.set_rollback(True)
    return outcome


def each(found: list[Route]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("route", found, ids=str)


@each(routes())
def test_every_view_declares_its_permission(route: Route):
    if route.is_admin or route.full_name in PUBLIC_THIRD_PARTY:
        return
    assert route.required in {*Permission, "signed_in", "public"}, (
        f"{route} ({route.callback.__module__}.{getattr(route.callback, '__name__', '?')}) declares no permission: "
        "decorate it with requires(…), signed_in or public"
    )


def test_third_party_views_are_all_known():
    """A view from elsewhere outside the admin must be listed above, by someone who thought about it."""
    unknown = [
        str(route)
        for route in routes()
        if not route.is_admin
        and route.callback.__module__.split(".")[0] not in OURS
        and route.required is None
        and route.full_name not in PUBLIC_THIRD_PARTY
    ]
    assert unknown == []


@each(console_routes())
def test_roles_get_what_the_view_declares(route: Route, world: World, client_of: dict[Role, Client]):
    address = route.address(world)
    wrong = {}
    for role, method in product(Role, METHODS):
        status, acted = attempt(client_of[role], method, address)
        served = SERVED | {503} if route.name == "readyz" else SERVED
        served = served | KEYED if route.required == "public" else served
        as_declared = status in served if route.allows(role) else status == 403 and not acted
        if not as_declared:
            wrong[f"{role.value} {method}"] = status, "and something happened" if acted else ""
    assert wrong == {}, f"{address} declares {route.required}"


@each(console_routes())
def test_nobody_signed_in_is_sent_to_sign_in(route: Route, world: World):
    address = route.address(world)
    for method in METHODS:
        audited = AuditEntry.objects.count()
        response = getattr(Client(), method)(address)
        goes_to_login = response.status_code == 302 and urlsplit(response["Location"]).path == reverse("login")
        if route.required == "public":
            assert not goes_to_login
            assert response.status_code in SERVED | KEYED | {403, 503}
        else:
            assert goes_to_login, f"{method.upper()} {route} answered {response.status_code} to nobody"
            assert AuditEntry.objects.count() == audited


@each(admin_routes())
def test_the_admin_is_for_admins(route: Route, world: World, client_of: dict[Role, Client]):
    """Others are sent to its sign-in, or refused; an admin may open every page of it."""
    address = route.address(world)
    for role in Role:
        status = client_of[role].get(address).status_code
        if role == Role.ADMIN:
            assert status in SERVED | {403}, f"{address} answered {status} to an admin"
        elif route.name not in ADMIN_OPEN:
            assert status in (302, 403), f"{address} answered {status} to {role}"


ADMIN_OPEN = {"login", "logout", "jsi18n"}


def test_the_admin_lets_admins_in(client_of: dict[Role, Client]):
    assert client_of[Role.ADMIN].get(reverse("admin:index")).status_code == 200


@pytest.mark.parametrize("role", list(Role))
def test_a_role_finds_its_whole_menu_open(role: Role, world: World, client_of: dict[Role, Client]):
    """What the menu offers a role, the role may open."""
    from config.console.menu import menu_for
    from tests.factories import UserFactory

    for _section, items in menu_for(UserFactory(role=role), "/"):
        for item in items:
            assert client_of[role].get(item.href).status_code == 200, item.href
