from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from members.people.models import Identity, Member
from members.segments.querysets import SegmentQuerySet, StayQuerySet, UploadQuerySet


class Segment(models.Model):
    """A named set of members: by a rule that is looked at again and again, or a list fixed once."""

    class Kind(models.TextChoices):
        DYNAMIC = "dynamic", _("Dynamic")
        STATIC = "static", _("Static")

    name = models.CharField(_("name"), max_length=80)
    name_zh = models.CharField(_("Chinese name"), max_length=80, blank=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    # Of a static segment: what it was frozen from; null when it was uploaded.
    rule = models.JSONField(_("rule"), null=True, blank=True)
    rule_version = models.PositiveIntegerField(_("version"), default=0)
    created_at = models.DateTimeField(_("created"))
    created_by = staff_key(_("created by"))
    updated_at = models.DateTimeField(_("updated"))
    updated_by = staff_key(_("updated by"))
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)
    # Written by the refresh alone.
    size = models.PositiveIntegerField(_("members"), default=0)
    refreshed_at = models.DateTimeField(_("refreshed"), null=True, blank=True)
    failed_at = models.DateTimeField(_("last refresh failed"), null=True, blank=True)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(archived_at__isnull=True), name="segment_name_once_alive"
            ),
            models.CheckConstraint(condition=Q(kind="static") | Q(rule__isnull=False), name="segment_dynamic_has_rule"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("segments:detail", args=[self.pk])


class SegmentVersion(models.Model):
    """A rule as it was saved: by whom, when and why. Append-only."""

    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), on_delete=models.CASCADE, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField(_("version"))
    rule = models.JSONField(_("rule"))
    saved_at = models.DateTimeField(_("saved"))
    saved_by = staff_key(_("saved by"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("segment version")
        verbose_name_plural = _("segment versions")
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["segment", "number"], name="segment_version_once")]

    def __str__(self) -> str:
        return f"v{self.number}"


class SegmentReference(models.Model):
    """That the rule of one segment reads another. Kept by saving; never a cycle."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="references", db_index=False)
    target = models.ForeignKey(Segment, on_delete=models.PROTECT, related_name="used_by")

    class Meta:
        verbose_name = _("segment reference")
        verbose_name_plural = _("segment references")
        constraints = [
            models.UniqueConstraint(fields=["segment", "target"], name="segment_reference_once"),
            models.CheckConstraint(condition=~Q(segment=F("target")), name="segment_reference_other"),
        ]

    def __str__(self) -> str:
        return f"#{self.segment_id} → #{self.target_id}"


class SegmentMembership(models.Model):
    """A member's stay in a segment. Entering and leaving are facts that others read with ``read_changes``.

    The columns ``entered_xid`` and ``left_xid`` (in the database only) are the readers' cursors.
    """

    # ``membership_current`` and ``membership_member`` serve. The keys are not checked row by row: that costs more than
    # the rest of filling a segment, whose members come out of the member table in the same statement.
    segment = models.ForeignKey(
        Segment,
        verbose_name=_("segment"),
        on_delete=models.CASCADE,
        related_name="stays",
        db_index=False,
        db_constraint=False,
    )
    member = models.ForeignKey(
        Member,
        verbose_name=_("member"),
        on_delete=models.CASCADE,
        related_name="segment_stays",
        db_index=False,
        db_constraint=False,
    )
    entered_at = models.DateTimeField(_("entered"))
    left_at = models.DateTimeField(_("left"), null=True, blank=True)

    objects = StayQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment membership")
        verbose_name_plural = _("segment memberships")
        constraints = [
            models.UniqueConstraint(
                fields=["segment", "member"], condition=Q(left_at__isnull=True), name="membership_current"
            ),
            models.CheckConstraint(
                condition=Q(left_at__isnull=True) | Q(left_at__gte=F("entered_at")), name="membership_lasts"
            ),
        ]
        indexes = [
            models.Index(fields=["member", "segment"], name="membership_member"),
            models.Index(fields=["segment", "left_at"], name="membership_past", condition=Q(left_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"#{self.member_id} in #{self.segment_id}"


class SegmentSize(models.Model):
    """How many members a segment had from ``at`` on; a row whenever somebody came or went."""

    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), on_delete=models.CASCADE, related_name="sizes", db_index=False
    )
    at = models.DateTimeField(_("at"))
    size = models.PositiveIntegerField(_("members"))
    entered = models.PositiveIntegerField(_("entered"))
    left = models.PositiveIntegerField(_("left"))

    class Meta:
        verbose_name = _("segment size")
        verbose_name_plural = _("segment sizes")
        ordering = ["at"]
        constraints = [models.UniqueConstraint(fields=["segment", "at"], name="segment_size_at")]

    def __str__(self) -> str:
        return f"{self.size} at {self.at:%Y-%m-%d %H:%M}"


class SegmentUpload(models.Model):
    """A list of members that someone brings, on its way to become a static segment."""

    class Kind(models.TextChoices):
        EXTERNAL_ID = Identity.Kind.EXTERNAL_ID.value, _("External id")
        PHONE = Identity.Kind.PHONE.value, _("Phone")
        EMAIL = Identity.Kind.EMAIL.value, _("Email")
        NUMBER = "number", _("Member number")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Being looked up")
        MATCHED = "matched", _("Looked up")
        FAILED = "failed", _("Failed")
        SAVED = "saved", _("Saved")

    kind = models.CharField(_("what identifies them"), max_length=12, choices=Kind.choices)
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.WAITING)
    # Only until it is read; what it is called may name people, so the name is not kept.
    file = models.FileField(_("file"), upload_to="segments/", max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"))
    created_by = staff_key(_("created by"))
    # Set by the worker that reads the file, and again by one that takes over.
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    bytes_total = models.PositiveBigIntegerField(_("bytes"), default=0)
    bytes_read = models.PositiveBigIntegerField(_("bytes read"), default=0)
    lines = models.PositiveIntegerField(_("lines"), default=0)
    found = models.PositiveIntegerField(_("found"), default=0)
    members = models.PositiveIntegerField(_("members"), default=0)
    unknown = models.PositiveIntegerField(_("not found"), default=0)
    repeated = models.PositiveIntegerField(_("repeated"), default=0)
    failure_code = models.CharField(_("failure"), max_length=40, blank=True)
    failure_detail = models.JSONField(_("failure detail"), default=dict, blank=True)
    segment = models.ForeignKey(
        Segment, verbose_name=_("segment"), null=True, blank=True, on_delete=models.CASCADE, related_name="uploads"
    )

    objects = UploadQuerySet.as_manager()

    class Meta:
        verbose_name = _("uploaded list")
        verbose_name_plural = _("uploaded lists")

    def __str__(self) -> str:
        return f"list #{self.pk}"


class SegmentUploadLine(models.Model):
    """One different entry of an uploaded list, and whom it names."""

    upload = models.ForeignKey(
        SegmentUpload, verbose_name=_("uploaded list"), on_delete=models.CASCADE, related_name="entries", db_index=False
    )
    row_no = models.PositiveIntegerField(_("row"))
    value = models.CharField(_("value"), max_length=200)
    # Not checked row by row; what is saved comes out of the member table.
    member = models.ForeignKey(
        Member, verbose_name=_("member"), null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        db_constraint=False,
    )  # fmt: skip

    class Meta:
        verbose_name = _("line of an uploaded list")
        verbose_name_plural = _("lines of uploaded lists")
        constraints = [models.UniqueConstraint(fields=["upload", "value"], name="upload_line_once")]

    def __str__(self) -> str:
        return f"#{self.row_no} of list #{self.upload_id}"
