"""Who may do what, asked of all accounts."""

from django.db.models import QuerySet

from config.staff.access import PERMISSIONS_OF, Permission
from config.staff.models import User


def holders_of(permission: Permission) -> QuerySet[User]:
    """The active accounts whose role holds ``permission``."""
    return User.objects.filter(
        is_active=True, role__in=[role for role, held in PERMISSIONS_OF.items() if permission in held]
    )
