from django.db import models
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key


class AuditEntry(models.Model):
    """Who did what to which thing, when and why. Append-only; holds no personal data."""

    at = models.DateTimeField(_("at"), db_index=True)
    actor = staff_key(_("actor"))
    action = models.CharField(_("action"), max_length=64)
    target_type = models.CharField(_("target type"), max_length=64)
    target_id = models.CharField(_("target"), max_length=64, blank=True)
    # No foreign key: the ground does not know members.
    member_id = models.BigIntegerField(_("member"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    data = models.JSONField(_("data"), default=dict, blank=True)

    class Meta:
        db_table = "staff_auditentry"
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["member_id", "-at"], name="audit_member_at"),
            models.Index(fields=["target_type", "target_id", "-at"], name="audit_target_at"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"
