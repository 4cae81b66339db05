from django.db import models
from django.utils.translation import gettext_lazy as _

from config.staff.keys import staff_key
from members.imports.querysets import ImportRunQuerySet


class ImportRun(models.Model):
    """One file on its way in: what it is, how it is read, what was found, and what it wrote.

    ``status`` moves by ``ImportRun.objects.advance`` only. Members this run created have the ids
    ``first_member_id + row number``, a block reserved for it alone.
    """

    class Profile(models.TextChoices):
        MEMBERS = "members", _("Members")
        TERMS = "terms", _("Membership terms")
        EVENTS = "events", _("Behaviour events")
        TELCO = "telco", _("Telco subscribers (IBM sample)")
        CDNOW = "cdnow", _("CDNOW purchases")

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Waiting for the columns")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Waiting for confirmation")
        APPLYING = "applying", _("Being written")
        SETTLING = "settling", _("Written, states are being computed")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        UNDOING = "undoing", _("Being undone")
        UNDONE = "undone", _("Undone")
        DISCARDED = "discarded", _("Discarded")

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        XLSX = "xlsx", "XLSX"

    class Mode(models.TextChoices):
        ALL = "all", _("All or nothing")
        VALID = "valid", _("Apply valid rows only")

    profile = models.CharField(_("what it holds"), max_length=8, choices=Profile.choices)
    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.UPLOADED)
    file = models.FileField(_("file"), upload_to="imports/%Y/%m/", max_length=200)
    file_name = models.CharField(_("file name"), max_length=255)
    file_bytes = models.BigIntegerField(_("bytes"))
    sha256 = models.CharField(max_length=64, db_index=True)
    format = models.CharField(_("format"), max_length=4, choices=Format.choices)
    encoding = models.CharField(_("encoding"), max_length=16, blank=True)
    delimiter = models.CharField(_("separator"), max_length=1, blank=True)
    has_header = models.BooleanField(_("the first row holds the column names"), default=True)
    sheet = models.CharField(_("sheet"), max_length=64, blank=True)
    columns = models.JSONField(_("columns"), default=list)
    mapping = models.JSONField(_("mapping"), default=list)
    options = models.JSONField(_("options"), default=dict)
    mode = models.CharField(_("mode"), max_length=5, choices=Mode.choices, default=Mode.ALL)

    step = models.CharField(max_length=24, blank=True)
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    failure_code = models.CharField(max_length=40, blank=True)
    failure_detail = models.JSONField(default=dict, blank=True)

    rows_read = models.BigIntegerField(_("rows"), default=0)
    rows_rejected = models.BigIntegerField(_("rejected"), default=0)
    to_create = models.BigIntegerField(default=0)
    to_update = models.BigIntegerField(default=0)
    created_count = models.BigIntegerField(_("created"), default=0)
    updated_count = models.BigIntegerField(_("updated"), default=0)
    unchanged_count = models.BigIntegerField(_("unchanged"), default=0)
    details = models.JSONField(default=dict, blank=True)
    comparison = models.JSONField(default=list, blank=True)
    first_member_id = models.BigIntegerField(null=True, blank=True)

    created_at = models.DateTimeField(_("uploaded"))
    created_by = staff_key(_("uploaded by"), null=False)
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True)
    confirmed_by = staff_key(_("confirmed by"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    applied_at = models.DateTimeField(_("written"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    undone_by = staff_key(_("undone by"))
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    objects = ImportRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["status"], name="import_run_status"),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_working(self) -> bool:
        return self.status in (self.Status.CHECKING, self.Status.APPLYING, self.Status.SETTLING, self.Status.UNDOING)

    @property
    def written_count(self) -> int:
        return self.created_count + self.updated_count

    @property
    def rows_valid(self) -> int:
        return self.rows_read - self.rows_rejected


class ImportIssue(models.Model):
    """One thing found in one cell of an imported file, with the cell as it stood there."""

    class Severity(models.TextChoices):
        ERROR = "error", _("Must change")
        WARNING = "warning", _("Notice")
        DIFFERENCE = "difference", _("Differs from the engine")

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="issues", db_index=False)
    row_no = models.BigIntegerField(_("row"))
    field = models.CharField(_("field"), max_length=32, blank=True)
    column = models.CharField(_("column"), max_length=200, blank=True)
    code = models.CharField(_("reason"), max_length=40)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity.choices)
    value = models.CharField(_("value"), max_length=200, blank=True)
    detail = models.CharField(_("detail"), max_length=200, blank=True)
    member_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("import issue")
        verbose_name_plural = _("import issues")
        indexes = [models.Index(fields=["run", "severity", "code", "row_no"], name="import_issue_kind")]

    def __str__(self) -> str:
        return f"{self.code} in row {self.row_no}"


class ImportEffect(models.Model):
    """One change an import made to something that was there before it, with what stood there: what undo needs.

    ``member_id`` is no foreign key: it would cost an index probe a row, and undo deletes members.
    """

    class Noun(models.TextChoices):
        MEMBER = "member", _("Profile")
        IDENTITY = "identity", _("Identity")
        TIME_ZONE = "time_zone", _("Time zone")
        TERM = "term", _("Term")
        SIGNAL = "signal", _("Auto-renewal")
        EVENT = "event", _("Event")

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="effects", db_index=False)
    row_no = models.BigIntegerField()
    member_id = models.BigIntegerField()
    noun = models.CharField(max_length=10, choices=Noun.choices)
    object_id = models.BigIntegerField(null=True)
    before = models.JSONField(null=True)

    class Meta:
        verbose_name = _("import effect")
        verbose_name_plural = _("import effects")
        indexes = [models.Index(fields=["run", "noun"], name="import_effect_run")]

    def __str__(self) -> str:
        return f"{self.noun} of #{self.member_id}"
