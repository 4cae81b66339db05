"""Import and export columns of the admin. Every row goes through the pipeline of the import wizard.

django-import-export brings the pages; instead of its row-by-row loop the file is staged, judged and written as any
other, so an admin meets the same checks, and no status column is ever written.
"""

import csv
import io
from datetime import date, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from import_export import fields, resources
from import_export.formats import base_formats
from import_export.results import Error, Result, RowResult
from tablib import Dataset

from config.engine import clock
from config.engine.money import major_text, project_currency
from config.engine.refusal import Refused, refusal_text
from config.staff.models import User
from members.exports.models import EventRecord
from members.files.csv_text import cell, csv_lines, written_end
from members.imports.models import ImportIssue, ImportRun
from members.imports.operations.uploads import receive, start_check
from members.imports.operations.work import work
from members.imports.operations.writes import confirm
from members.imports.staging import rows_table
from members.imports.words import ISSUES, REFUSALS
from members.people.models import Member
from members.terms.models import MembershipTerm

# The page holds every row; the wizard takes any number.
MAX_ROWS = 5_000


class AnyCsv(base_formats.CSV):
    """CSV in the encodings the wizard reads, and written without anything a spreadsheet would run."""

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def create_dataset(self, in_stream: bytes, **kwargs: Any) -> Dataset:
        return super().create_dataset(_decoded(in_stream), **kwargs)

    def export_data(self, dataset: Dataset, **kwargs: Any) -> bytes:
        return b"".join(csv_lines([dataset.headers, *([cell(value) for value in row] for row in dataset)]))


class SafeXlsx(base_formats.XLSX):
    """XLSX whose texts no spreadsheet takes for formulas."""

    def export_data(self, dataset: Dataset, **kwargs: Any) -> bytes:
        safe = Dataset(*[[cell(value) for value in row] for row in dataset], headers=dataset.headers)
        return safe.export("xlsx")


def _decoded(content: bytes) -> str:
    codecs = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for codec in codecs:
        try:
            return content.decode(codec)
        except UnicodeDecodeError:
            continue
    raise ValidationError(_("The file is neither UTF-8 nor GB18030. Save it as CSV UTF-8."))


class PipelineResource(resources.ModelResource):
    """A resource whose import is a run of ``profile`` through the wizard's pipeline."""

    profile = ""

    def import_data(self, dataset: Dataset, dry_run: bool = False, **kwargs: Any) -> Result:
        """Judge the rows, and without ``dry_run`` write them, all or none. Returns what the confirm page shows."""
        user, name = kwargs["user"], kwargs.get("file_name") or "admin.csv"
        result = Result()
        result.diff_headers = list(dataset.headers or [])
        result.total_rows = len(dataset)
        try:
            if len(dataset) > MAX_ROWS:
                raise Refused("too_many_rows", limit=MAX_ROWS)
            if dry_run:
                self._try(dataset, user, name, result)
            else:
                self._run(dataset, user, name, result)
        except Refused as refused:
            result.append_base_error(Error(ValidationError(refusal_text(refused, REFUSALS))))
        return result

    def _try(self, dataset: Dataset, user: User, name: str, result: Result) -> None:
        """Judge on a run that is rolled back."""
        with transaction.atomic():
            run = self._checked(dataset, user, name)
            self._tell(run, dataset, result)
            transaction.set_rollback(True)
        run.file.storage.delete(str(run.file.name))

    def _run(self, dataset: Dataset, user: User, name: str, result: Result) -> None:
        run = self._checked(dataset, user, name)
        self._tell(run, dataset, result)
        if not result.has_validation_errors():
            confirm(run_id=run.pk, mode=ImportRun.Mode.ALL, actor=user, at=clock.now())
            work(run_id=run.pk, at=clock.now())

    def _checked(self, dataset: Dataset, user: User, name: str) -> ImportRun:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(dataset.headers)
        writer.writerows(["" if value is None else value for value in row] for row in dataset)
        upload = ContentFile(text.getvalue().encode(), name=f"{name.rsplit('.', 1)[0]}.csv")
        run = receive(upload=upload, actor=user, at=clock.now(), profile=self.profile)
        start_check(run_id=run.pk, mapping=run.mapping, options={})
        work(run_id=run.pk, at=clock.now())
        run.refresh_from_db()
        if run.status == ImportRun.Status.FAILED:
            raise Refused(run.failure_code, **run.failure_detail)
        return run

    def _tell(self, run: ImportRun, dataset: Dataset, result: Result) -> None:
        """Fill the result with the rows' outcome: what the run found, in the words of the wizard."""
        problems: dict[int, list[str]] = {}
        for issue in run.issues.filter(severity=ImportIssue.Severity.ERROR).order_by("row_no"):
            wording = ISSUES[issue.code]
            problems.setdefault(issue.row_no, []).append(f"{issue.column}: {wording.title}. {wording.fix}".lstrip(": "))
        known = _known_rows(run)
        for row_no, values in enumerate(dataset, 2):
            row = dict(zip(dataset.headers, values, strict=True))
            if row_no in problems:
                result.append_invalid_row(row_no, row, ValidationError(problems[row_no]))
                result.totals[RowResult.IMPORT_TYPE_INVALID] += 1
                continue
            outcome = RowResult()
            outcome.import_type = RowResult.IMPORT_TYPE_UPDATE if row_no in known else RowResult.IMPORT_TYPE_NEW
            outcome.diff = ["" if value is None else value for value in values]
            outcome.object_repr = ngettext("row %(n)s", "row %(n)s", row_no) % {"n": row_no}
            result.append_row_result(outcome)
            result.increment_row_result_total(outcome)


def _known_rows(run: ImportRun) -> set[int]:
    """The rows of a checked run that name a member, term or event already there."""
    known = {"terms": "same_order IS NOT NULL", "events": "is_known"}.get(run.profile, "member_id IS NOT NULL")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT row_no FROM {rows_table(run.pk)} WHERE {known}")
        return {row[0] for row in cursor.fetchall()}


class MemberResource(PipelineResource):
    """Members with their identities; statuses only go out."""

    profile = ImportRun.Profile.MEMBERS
    external_id = fields.Field(column_name="external_id")
    phone = fields.Field(column_name="phone")
    email = fields.Field(column_name="email")

    class Meta:
        model = Member
        fields = (
            "external_id", "display_name", "phone", "email", "gender", "birthday_on", "city", "channel", "language",
            "registered_at",
        )  # fmt: skip
        export_order = fields

    def dehydrate_external_id(self, member: Member) -> str:
        return _identity(member, "external_id")

    def dehydrate_phone(self, member: Member) -> str:
        return _identity(member, "phone")

    def dehydrate_email(self, member: Member) -> str:
        return _identity(member, "email")


class TermResource(PipelineResource):
    """Terms under the external ids of their members."""

    profile = ImportRun.Profile.TERMS
    external_id = fields.Field(column_name="external_id")
    plan = fields.Field(column_name="plan", attribute="plan__code")
    tier = fields.Field(column_name="tier", attribute="tier__code")
    activation_time = fields.Field(column_name="activation_time", attribute="starts_at")
    expiration_time = fields.Field(column_name="expiration_time")
    price = fields.Field(column_name="price")

    class Meta:
        model = MembershipTerm
        fields = (
            "external_id", "external_ref", "kind", "plan", "tier", "activation_time", "expiration_time", "price",
            "currency",
        )  # fmt: skip
        export_order = fields

    def dehydrate_external_id(self, term: MembershipTerm) -> str:
        return _identity(term.member, "external_id")

    def dehydrate_expiration_time(self, term: MembershipTerm) -> datetime | date | None:
        return written_end(term.ends_at)

    def dehydrate_price(self, term: MembershipTerm) -> str:
        return major_text(term.price_cents, term.currency)


class EventResource(PipelineResource):
    """Behaviour events under the external ids of their members."""

    profile = ImportRun.Profile.EVENTS
    external_id = fields.Field(column_name="external_id")
    event = fields.Field(column_name="event", attribute="definition__name")
    value = fields.Field(column_name="value")

    class Meta:
        model = EventRecord
        fields = ("external_id", "event", "occurred_at", "message_id", "value", "currency")
        export_order = fields

    def dehydrate_external_id(self, event: EventRecord) -> str:
        return _identity(event.member, "external_id")

    def dehydrate_value(self, event: EventRecord) -> str:
        if event.value_cents is None:
            return ""
        return major_text(event.value_cents, event.currency or project_currency())


def _identity(member: Member, kind: str) -> str:
    return next((identity.value for identity in member.identities.all() if identity.kind == kind), "")
