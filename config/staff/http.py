from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from config.staff.models import User


class StaffRequest(HttpRequest):
    """A request as gated views see it: somebody is signed in, and htmx has had its say. For annotations only."""

    user: User  # type: ignore[assignment]  # The login middleware has sent everybody else to sign in.
    htmx: HtmxDetails
