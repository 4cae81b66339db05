from django.db import models
from django.utils.translation import gettext_lazy as _

from members.people.models import Member


class Foresight(models.Model):
    """One look ahead at a version of the setting ``setting`` (the code of its review), whose preview names it."""

    setting = models.CharField(_("setting"), max_length=40)
    # Of the setting's own table.
    version_id = models.BigIntegerField(_("version"))
    at = models.DateTimeField(_("looked"))

    class Meta:
        verbose_name = _("look ahead")
        verbose_name_plural = _("looks ahead")

    def __str__(self) -> str:
        return f"{self.setting} #{self.version_id}"


class ForeseenChange(models.Model):
    """A member whom the version would change: in ``what``, from ``before`` to ``after``. Codes are the setting's."""

    # ``foreseen_figure`` serves.
    foresight = models.ForeignKey(
        Foresight, verbose_name=_("look ahead"), on_delete=models.CASCADE, related_name="changes", db_index=False
    )
    member = models.ForeignKey(Member, verbose_name=_("member"), on_delete=models.CASCADE, related_name="+")
    what = models.CharField(max_length=80)
    before = models.CharField(_("before"), max_length=80)
    after = models.CharField(_("after"), max_length=80)

    class Meta:
        verbose_name = _("foreseen change")
        verbose_name_plural = _("foreseen changes")
        indexes = [models.Index(fields=["foresight", "what", "before", "after", "member"], name="foreseen_figure")]

    def __str__(self) -> str:
        return f"{self.what} of #{self.member_id}"
