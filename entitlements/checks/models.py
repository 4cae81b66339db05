from django.db import models
from django.utils.translation import gettext_lazy as _


class Offence(models.Model):
    """An invariant of benefits that did not hold when last looked; gone as soon as it holds again."""

    code = models.CharField(_("check"), max_length=48, primary_key=True)
    count = models.PositiveBigIntegerField(_("rows"))
    # The first of them, as [member, benefit or null, detail].
    rows = models.JSONField(_("first rows"), default=list)
    found_at = models.DateTimeField(_("found"))
    checked_at = models.DateTimeField(_("looked at"))

    class Meta:
        verbose_name = _("offended invariant")
        verbose_name_plural = _("offended invariants")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code
