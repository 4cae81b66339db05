"""Roles, permissions, and the decorator by which every view declares what it needs."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db.models import TextChoices
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

View = Callable[..., HttpResponseBase]


class Permission(TextChoices):
    VIEW = "view", _("See members, states, messages and logs")
    REVEAL = "reveal", _("See unmasked phone numbers and addresses")
    OPERATE = "operate", _("Act on members and terms")
    IMPORT = "import", _("Import files")
    EXPORT = "export", _("Export lists")
    PROPOSE_POLICY = "propose_policy", _("Propose a lifecycle policy")
    APPROVE = "approve", _("Approve policies and braked sweeps")
    STOP_SENDING = "stop_sending", _("Stop and resume sending")
    ADMINISTER = "administer", _("Manage staff, plans, channels and raw records")


class Role(TextChoices):
    VIEWER = "viewer", _("Viewer")
    OPERATOR = "operator", _("Operator")
    APPROVER = "approver", _("Approver")
    ADMIN = "admin", _("Admin")


_VIEWER = frozenset({Permission.VIEW})
_OPERATOR = _VIEWER | {
    Permission.REVEAL,
    Permission.OPERATE,
    Permission.IMPORT,
    Permission.EXPORT,
    Permission.PROPOSE_POLICY,
    Permission.STOP_SENDING,
}
_APPROVER = _OPERATOR | {Permission.APPROVE}

PERMISSIONS_OF: dict[str, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.APPROVER: _APPROVER,
    Role.ADMIN: frozenset(Permission),
}


def requires(permission: Permission) -> Callable[[View], View]:
    """Gate a view: a signed-in user whose role lacks ``permission`` gets 403, nobody signed in is sent to sign in."""

    def decorate(view: View) -> View:
        @wraps(view)
        def gated(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            # The login middleware has sent everybody without an account to sign in.
            if not request.user.may(permission):  # type: ignore[union-attr]
                raise PermissionDenied
            return view(request, *args, **kwargs)

        gated.required_permission = permission  # type: ignore[attr-defined]
        return gated

    return decorate


def signed_in(view: View) -> View:
    """Declare a view open to every signed-in user (the login middleware keeps the others out)."""
    view.required_permission = "signed_in"  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Declare a view open to anyone: health checks, one-click unsubscribe."""
    view = login_not_required(view)
    view.required_permission = "public"  # type: ignore[attr-defined]
    return view
