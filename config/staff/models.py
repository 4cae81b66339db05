from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.staff.access import PERMISSIONS_OF, Permission, Role
from config.staff.keys import staff_key


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


class AuditEntry(models.Model):
    """Who did what to which thing, when and why. Append-only; holds no personal data."""

    at = models.DateTimeField(_("at"), db_index=True)
    actor = staff_key(_("actor"))
    action = models.CharField(_("action"), max_length=64)
    target_type = models.CharField(_("target type"), max_length=64)
    target_id = models.CharField(_("target"), max_length=64, blank=True)
    # No foreign key: the ground floor does not know members.
    member_id = models.BigIntegerField(_("member"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    data = models.JSONField(_("data"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["member_id", "-at"], name="audit_member_at"),
            models.Index(fields=["target_type", "target_id", "-at"], name="audit_target_at"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"
