from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from entitlements.codes.querysets import CodePoolQuerySet, PartnerCodeQuerySet
from members.people.models import Member


class CodePool(models.Model):
    """Codes of a partner's, handed out one a member."""

    code = models.SlugField(_("code"), max_length=32, unique=True)
    partner = models.CharField(_("partner"), max_length=80)
    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True)
    worth_cents = models.PositiveBigIntegerField(_("worth"), default=0)
    low_stock = models.PositiveIntegerField(
        _("low stock"), default=0, help_text=_("With so many codes left or fewer, the first page says so.")
    )
    is_open = models.BooleanField(_("handed out now"), default=True)
    created_at = models.DateTimeField(_("created"))
    created_by = staff_key(_("created by"), blank=False)

    objects = CodePoolQuerySet.as_manager()

    class Meta:
        verbose_name = _("code pool")
        verbose_name_plural = _("code pools")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("codes:detail", args=[self.pk])


class PartnerCode(models.Model):
    """One code of a pool, and who got it. Never logged; shown in full only to whom an audit row names."""

    pool = models.ForeignKey(
        CodePool, verbose_name=_("pool"), on_delete=models.PROTECT, related_name="codes", db_index=False
    )
    code = models.CharField(_("code"), max_length=200)
    uploaded_at = models.DateTimeField(_("taken in"))
    member = models.ForeignKey(
        Member, verbose_name=_("member"), null=True, blank=True, on_delete=models.CASCADE, related_name="partner_codes"
    )
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)

    objects = PartnerCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("partner code")
        verbose_name_plural = _("partner codes")
        constraints = [
            models.UniqueConstraint(fields=["pool", "code"], name="partner_code_once"),
            models.UniqueConstraint(
                fields=["pool", "member"], condition=Q(member__isnull=False), name="partner_code_one_per_member"
            ),
            models.CheckConstraint(
                condition=Q(member__isnull=True, claimed_at__isnull=True)
                | Q(member__isnull=False, claimed_at__isnull=False),
                name="partner_code_claimed_at",
            ),
        ]
        indexes = [models.Index(fields=["pool", "id"], name="partner_code_free", condition=Q(member__isnull=True))]

    def __str__(self) -> str:
        return f"#{self.pk}"
