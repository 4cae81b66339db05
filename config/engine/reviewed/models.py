"""Settings that come in versions: somebody drafts and looks ahead, another person puts the version in force."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import IsNull
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField

from config.engine.moves import declare
from config.engine.reviewed.lifecycle import MOVES, Status
from config.engine.reviewed.querysets import ReviewedQuerySet
from config.staff.keys import staff_key


class ReviewedVersion(models.Model):
    """One version of some settings: who wrote, changed and submitted it, what was seen ahead, who approved it.

    A subclass adds its content and ``constraints(parent)``, and a migration guards its table
    (``config.engine.guards``): edges, and content that is fixed once submitted. It sees to it that one version is
    active from the first migration on, the one that an installation begins with, which nobody wrote; with a parent
    there may be none.
    """

    Status = Status

    # The key by which versions belong to something, as those of a campaign do; empty where there is one of the kind.
    parent: ClassVar[str] = ""

    version = models.PositiveIntegerField(_("version"))
    status = FSMField(_("status"), choices=Status.choices, default=Status.DRAFT, protected=True)
    note = models.CharField(_("what changes and why"), max_length=200, blank=True)
    preview = models.JSONField(_("preview"), null=True, blank=True)
    previewed_at = models.DateTimeField(_("previewed"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    created_by = staff_key(_("proposed by"))
    # Whoever else changed the draft, as numbers of staff accounts; the audit log keeps the accounts.
    changed_by = ArrayField(models.BigIntegerField(), verbose_name=_("changed by"), default=list, blank=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True, blank=True)
    submitted_by = staff_key(_("submitted by"))
    starts_at = models.DateTimeField(
        _("in force from"), null=True, blank=True, help_text=_("Empty: as soon as it is approved.")
    )
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    approved_by = staff_key(_("approved by"))
    self_approval_reason = models.CharField(
        _("why an author approved it"), max_length=500, blank=True, default="", db_default=""
    )
    activated_at = models.DateTimeField(_("in force since"), null=True, blank=True)

    objects = ReviewedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"v{self.version}"

    @property
    def author_ids(self) -> frozenset[int]:
        """Whoever wrote, changed or submitted any part: none of them may approve it."""
        return frozenset(pk for pk in (self.created_by_id, self.submitted_by_id, *self.changed_by) if pk is not None)

    @property
    def is_coming(self) -> bool:
        return self.status in (Status.DRAFT, Status.SUBMITTED, Status.SCHEDULED)


declare(ReviewedVersion, "status", MOVES)


def constraints(parent: str = "") -> list[models.BaseConstraint]:
    """What the table of a subclass keeps to: unique versions, one active, and the second person."""
    of = [parent] if parent else []
    submitted = Q(submitted_at__isnull=False, submitted_by__isnull=False)
    in_force = Q(approved_by__isnull=False) & submitted | Q(created_by__isnull=True)
    by_another = (
        ~Q(approved_by=F("created_by"))
        & ~Q(approved_by=F("submitted_by"))
        & Q(
            IsNull(
                Func("changed_by", "approved_by", function="array_position", output_field=models.IntegerField()), True
            )
        )
    )
    return [
        models.UniqueConstraint(fields=[*of, "version"], name="%(class)s_version"),
        models.UniqueConstraint(
            fields=of or ["status"], condition=Q(status=Status.ACTIVE.value), name="%(class)s_one_active"
        ),
        models.CheckConstraint(
            condition=Q(status=Status.DRAFT.value)
            | Q(status__in=[Status.SUBMITTED.value, Status.REJECTED.value]) & submitted
            | Q(status=Status.SCHEDULED.value, starts_at__isnull=False, approved_by__isnull=False) & submitted
            | Q(status__in=[Status.ACTIVE.value, Status.RETIRED.value]) & in_force,
            name="%(class)s_reviewed",
        ),
        models.CheckConstraint(
            condition=Q(approved_by__isnull=True) | ~Q(self_approval_reason="") | by_another,
            name="%(class)s_second_person",
        ),
    ]
