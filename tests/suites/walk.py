"""Every address the project answers at, from the URLconf itself, so that no new view escapes the suites."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RegexPattern, RoutePattern

from config.staff.access import PERMISSIONS_OF, Permission, Role
from tests.suites.world import World

OURS = ("config", "campaigns", "tasks_engine", "entitlements", "members")

# Views of Django itself that our URLconf names, and what each must do. Anything else third-party fails the suite.
PUBLIC_THIRD_PARTY = {"login", "set_language", "javascript-catalog", "logout"}

# What programs ask, with a key of theirs; no role is one.
FOR_PROGRAMS = ("v1", "api", "ofrep")
_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Route:
    """One address pattern, with what its view declares."""

    pattern: str
    name: str
    namespaces: tuple[str, ...]
    callback: Callable[..., Any]
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return "/" + self.pattern

    @property
    def is_admin(self) -> bool:
        return self.namespaces[:1] == ("admin",)

    @property
    def is_ours(self) -> bool:
        return self.callback.__module__.split(".")[0] in OURS or self.required is not None

    @property
    def is_for_programs(self) -> bool:
        return self.pattern.split("/")[0] in FOR_PROGRAMS

    @property
    def required(self) -> str | None:
        """What the view declares: a ``Permission``, ``signed_in``, ``public``, or None for nothing."""
        return getattr(self.callback, "required_permission", None)

    @property
    def full_name(self) -> str:
        return ":".join([*self.namespaces, self.name])

    def allows(self, role: Role) -> bool:
        if self.is_admin:
            return Permission.ADMINISTER in PERMISSIONS_OF[role]
        return self.required in ("public", "signed_in") or self.required in PERMISSIONS_OF[role]

    def address(self, world: World) -> str:
        """The address with its arguments taken from ``world``; an argument nobody can fill is a failure."""
        if not self.name:
            assert not self.arguments or self.is_admin, f"{self} takes arguments, so it needs a name"
            return "/" + self.pattern.split("(")[0]
        return reverse(self.full_name, kwargs={name: world.argument(self, name) for name in self.arguments})

    def address_with(self, world: World, argument: str, encoded: str) -> str:
        """The address with one argument being ``encoded``, as it stands, whether or not the pattern takes it."""

        def value(match: re.Match[str]) -> str:
            name = match[1]
            return encoded if name == argument else quote(str(world.argument(self, name)), safe="/")

        return "/" + _ARGUMENT.sub(value, self.pattern)


def routes() -> list[Route]:
    """Every route of the project, in URLconf order."""
    return list(_walk(get_resolver().url_patterns, "", ()))


def console_routes() -> list[Route]:
    """Our own routes: what the roles decide about."""
    return [route for route in routes() if not route.is_admin and route.full_name not in PUBLIC_THIRD_PARTY]


def admin_routes() -> list[Route]:
    return [route for route in routes() if route.is_admin]


def _walk(
    patterns: list[URLPattern | URLResolver],
    prefix: str,
    namespaces: tuple[str, ...],
    arguments: tuple[str, ...] = (),
) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        names = (*arguments, *_arguments(pattern.pattern))
        if isinstance(pattern, URLResolver):
            deeper = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _walk(pattern.url_patterns, path, deeper, names)
        else:
            yield Route(path, pattern.name or "", namespaces, pattern.callback, names)


def _arguments(pattern: RoutePattern | RegexPattern) -> tuple[str, ...]:
    return tuple(pattern.regex.groupindex) if isinstance(pattern, RegexPattern) else tuple(pattern.converters)
