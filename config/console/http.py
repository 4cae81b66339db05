from typing import cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from config.staff.models import User


class StaffRequest(HttpRequest):
    """A request as gated views see it: somebody is signed in, and htmx has had its say. For annotations only."""

    user: User  # The login middleware has sent everybody else to sign in.
    htmx: HtmxDetails


def staff_of(request: HttpRequest) -> User:
    """The signed-in account behind a request of the Django admin, whose methods name Django's own class."""
    return cast("User", request.user)
