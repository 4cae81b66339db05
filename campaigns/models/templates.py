from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.lifecycle import ChannelCode
from config.staff.keys import staff_key


class Template(models.Model):
    """What a message says on one channel; the words themselves are in its versions."""

    code = models.SlugField(_("code"), max_length=48)
    channel = models.CharField(_("channel"), max_length=16, choices=ChannelCode.choices)
    name = models.CharField(_("name"), max_length=120)
    name_zh = models.CharField(_("Chinese name"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ["code", "channel"]
        constraints = [models.UniqueConstraint(fields=["code", "channel"], name="template_code_channel")]

    def __str__(self) -> str:
        return f"{self.code} ({self.channel})"


class TemplateVersion(models.Model):
    """The copy of a template in one language, in Liquid. Immutable: what was sent can be shown again."""

    template = models.ForeignKey(
        Template, verbose_name=_("template"), on_delete=models.PROTECT, related_name="versions"
    )
    language = models.CharField(_("language"), max_length=16)
    number = models.PositiveIntegerField(_("version"))
    subject = models.CharField(_("subject"), max_length=200)
    body_text = models.TextField(_("text"))
    body_html = models.TextField(_("HTML"), blank=True)
    published_at = models.DateTimeField(_("published"))
    created_by = staff_key(_("written by"))

    class Meta:
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")
        ordering = ["template", "language", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["template", "language", "number"], name="template_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.language} v{self.number}"
