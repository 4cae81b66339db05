from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from members.merging.querysets.pairs import DuplicatePairQuerySet, MergeRecordQuerySet
from members.merging.rules import grade_of
from members.people.models import Member


class MergeRecord(models.Model):
    """That one member was merged into another, with everything that is needed to take it back.

    ``moved`` holds, per table, the keys of the rows that changed hands and ``set_aside`` the rows that gave way to an
    equal one; ``before`` and ``after`` what the merge wrote over. See ``members.merging.operations``.
    """

    survivor = models.ForeignKey(
        Member, verbose_name=_("member who stays"), on_delete=models.CASCADE, related_name="merges"
    )
    absorbed = models.ForeignKey(
        Member, verbose_name=_("merged member"), on_delete=models.CASCADE, related_name="absorptions"
    )
    merged_at = models.DateTimeField(_("merged"))
    merged_by = staff_key(_("merged by"))
    choices = models.JSONField(_("choices"), default=dict)
    moved = models.JSONField(default=dict)
    set_aside = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    undone_by = staff_key(_("undone by"))
    # What stayed with the survivor all the same: fields, and rows by table; in ``surplus`` what has no place any more.
    kept = models.JSONField(default=dict)
    checked_at = models.DateTimeField(_("seen to"), null=True, blank=True)
    checked_by = staff_key(_("seen to by"))

    objects = MergeRecordQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ["-merged_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["absorbed"], condition=Q(undone_at__isnull=True), name="merge_once"),
            models.CheckConstraint(condition=~Q(survivor=F("absorbed")), name="merge_of_two"),
        ]
        indexes = [
            models.Index(fields=["merged_at"], name="merge_at"),
            # Nearly empty: what the first page asks for.
            models.Index(
                fields=["undone_at"],
                name="merge_surplus",
                condition=Q(undone_at__isnull=False, kept__has_key="surplus", checked_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.absorbed_id} → #{self.survivor_id}"

    def keys_of(self, model: type[models.Model]) -> list[list[Any]]:
        """The keys of the rows of a table that changed hands, at once or gathered later."""
        parts = [self.moved, *(part["moved"] for part in self.before.get("strays", []))]
        return [key for moved in parts for key in moved.get(model._meta.db_table, [])]


class DuplicatePair(models.Model):
    """Two members who may be one person, with the signs of it. The lower id comes first, so that a pair is one row."""

    class Reason(models.TextChoices):
        ALIAS = "alias", _("Named as one by a program")
        UNIONID = "unionid", _("Same WeChat unionid")
        OPENID = "openid", _("Same WeChat openid")
        PHONE = "phone", _("Same phone")
        EMAIL = "email", _("Same email")
        ANONYMOUS_ID = "anonymous_id", _("Same device")
        NAME_BIRTHDAY = "name_birthday", _("Same name and birthday")
        NAME_CITY = "name_city", _("Same name and city")

    # No database key: pairs are found by the ten thousand, and one without its members is shown nowhere.
    member_a = models.ForeignKey(
        Member,
        verbose_name=_("member"),
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    member_b = models.ForeignKey(
        Member, verbose_name=_("other member"), on_delete=models.CASCADE, related_name="+", db_constraint=False
    )
    reasons = ArrayField(models.CharField(max_length=16, choices=Reason.choices), verbose_name=_("reasons"))
    strength = models.PositiveSmallIntegerField(_("strength"))
    found_at = models.DateTimeField(_("found"))
    dismissed_at = models.DateTimeField(_("dismissed"), null=True, blank=True)
    dismissed_by = staff_key(_("dismissed by"))
    merge = models.ForeignKey(
        MergeRecord, verbose_name=_("merge"), null=True, blank=True, on_delete=models.SET_NULL, related_name="pairs"
    )

    objects = DuplicatePairQuerySet.as_manager()

    class Meta:
        verbose_name = _("likely duplicate")
        verbose_name_plural = _("likely duplicates")
        constraints = [
            models.UniqueConstraint(fields=["member_a", "member_b"], name="pair_once"),
            models.CheckConstraint(condition=Q(member_a__lt=F("member_b")), name="pair_in_order"),
        ]
        indexes = [
            models.Index(
                fields=["-strength", "-id"],
                name="pair_open",
                condition=Q(dismissed_at__isnull=True, merge__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.member_a_id} and #{self.member_b_id}"

    @property
    def grade(self) -> str:
        return grade_of(self.strength)
