"""Every address × role × method: what a view declares is what each role gets, and no view declares nothing."""

from dataclasses import dataclass
from itertools import product
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from config.audit.models import AuditEntry
from config.staff.access import Permission, Role
from tests.suites.test_get_is_read_only import forbid_writing
from tests.suites.walk import OURS, PUBLIC_THIRD_PARTY, Route, admin_routes, console_routes, routes
from tests.suites.world import World

METHODS = ("get", "head", "post", "put", "patch", "delete")
LOOKING = ("get", "head")
SERVED = {200, 201, 202, 204, 206, 301, 302, 303, 304, 400, 404, 405, 409, 410, 413, 415, 422}
"""What somebody may get who is let in and acts: anything but 401, 403 and an error of ours."""


KEYED = {401}
"""What a public view may answer besides: it asks for a key of its own, and no role is one."""


@dataclass(frozen=True)
class Outcome:
    status: int
    acted: bool
    allow: frozenset[str]
    """The methods the view is there for, where it refused this one."""

    @property
    def is_page(self) -> bool:
        """The page, or the way to it; or there is nothing to look at here, and the view says so."""
        return 200 <= self.status < 400 or (self.status == 405 and self.allow.isdisjoint({"GET", "HEAD"}))


def attempt(client: Client, method: str, address: str, *, forbids_writing: bool = True) -> Outcome:
    """What one request came to, and whether it left an audit row; whatever it did is undone.

    Looking is done where nothing can be written.
    """
    with transaction.atomic():
        if method in LOOKING and forbids_writing:
            forbid_writing()
        audited = AuditEntry.objects.count()
        response = getattr(client, method)(address)
        if response.streaming:
            b"".join(response.streaming_content)
        acted = AuditEntry.objects.count() != audited
        transaction.set_rollback(True)
    allow = frozenset(word.strip() for word in response.get("Allow", "").split(","))
    return Outcome(response.status_code, acted, allow)


def as_declared(route: Route, role: Role, method: str, outcome: Outcome) -> bool:
    """Whether a role gets what the view declares: who may look sees the page, and who may act is not turned away."""
    if not route.allows(role):
        return outcome.status == 403 and not outcome.acted
    if route.is_for_programs:
        return outcome.status in SERVED | KEYED
    if route.name == "readyz" and outcome.status == 503:
        return True  # No worker runs beside these tests, and it says so.
    return outcome.is_page if method in LOOKING else outcome.status in SERVED


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
        outcome = attempt(client_of[role], method, address)
        if not as_declared(route, role, method, outcome):
            wrong[f"{role.value} {method}"] = outcome.status, "and something happened" if outcome.acted else ""
    assert wrong == {}, f"{address} declares {route.required}"


@each([route for route in console_routes() if route.is_for_programs])
def test_programs_get_what_they_ask_for(route: Route, world: World):
    """With a key for everything: what can be looked at is there. That the key was used is written down."""
    for method in LOOKING:
        outcome = attempt(world.program, method, route.address(world), forbids_writing=False)
        assert outcome.is_page, f"{method.upper()} {route.address(world)} answered {outcome.status}"


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
        outcome = attempt(client_of[role], "get", address, forbids_writing=route.name != "logout")
        if role == Role.ADMIN:
            # What the raw records do not let even an admin do is refused.
            assert outcome.is_page or outcome.status == 403, f"{address} answered {outcome.status} to an admin"
        elif route.name not in ADMIN_OPEN:
            assert outcome.status in (302, 403), f"{address} answered {outcome.status} to {role}"


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
