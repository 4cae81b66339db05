from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.staff.access import PERMISSIONS_OF, Permission, Role


class User(AbstractUser):
    """A staff account. Members never sign in here."""

    role = models.CharField(_("role"), max_length=16, choices=Role.choices, default=Role.VIEWER)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)

    class Meta(AbstractUser.Meta):
        verbose_name = _("staff account")  # type: ignore[assignment]
        verbose_name_plural = _("staff accounts")  # type: ignore[assignment]

    @property
    def shown_name(self) -> str:
        """The name in the order of its script: 周晴, Yue Shen; the user name when none is known."""
        if self.last_name and not self.last_name.isascii():
            return f"{self.last_name}{self.first_name}"
        return self.get_full_name() or self.get_username()

    def may(self, permission: Permission) -> bool:
        """Whether this account's role holds ``permission``."""
        return self.is_active and permission in PERMISSIONS_OF.get(self.role, frozenset())

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """The Django admin is for admins, who may do everything in it."""
        return self.may(Permission.ADMINISTER)

    def has_module_perms(self, app_label: str) -> bool:
        return self.may(Permission.ADMINISTER)
