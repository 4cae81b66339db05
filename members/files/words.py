"""Why a file of a list cannot be read, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.engine.refusal import Refused, refusal_text

Text = str | Promise


@dataclass(frozen=True)
class Wording:
    """A short name of what is wrong and the sentence that says how to mend it."""

    title: Text
    fix: Text

    def __str__(self) -> str:
        return f"{self.title} {self.fix}"


REFUSALS: Mapping[str, Wording] = {
    "empty_file": Wording(_("The file is empty."), _("Save it again with its rows and upload it once more.")),
    "no_rows": Wording(_("The file has no rows below the header."), _("Check that the right sheet was saved.")),
    "not_a_table": Wording(
        _("This is a %(kind)s file, whatever its name says."), _("Save the list as CSV or XLSX and upload that.")
    ),
    "old_excel": Wording(
        _("This is an old Excel file (XLS) or a protected one."),
        _("Open it in Excel and save it as XLSX or CSV UTF-8, without a password."),
    ),
    "not_a_workbook": Wording(
        _("This is an archive, but no readable XLSX workbook."), _("Open it in Excel and save it as XLSX again.")
    ),
    "zip_bomb": Wording(
        _("This workbook unfolds into far more than it should; it was not opened."),
        _("Copy the rows into a new workbook, or save the sheet as CSV."),
    ),
    "too_large": Wording(_("The file is larger than %(limit)s."), _("Split it, or ask an admin to raise the limit.")),
    "no_lines": Wording(_("The file has no line ends; it is no CSV."), _("Save the list as CSV UTF-8.")),
    "wrong_encoding": Wording(
        _("Line %(line)s does not fit the encoding."),
        _("Save the file as CSV UTF-8, or choose the encoding it was saved in."),
    ),
    "unclosed_quote": Wording(
        _("The quote opened on line %(line)s is never closed."), _("Close or remove it and upload the file again.")
    ),
    "too_many_columns": Wording(_("%(count)s columns are more than %(limit)s."), _("Check the separator.")),
    "too_many_rows": Wording(_("The sheet has more than %(limit)s rows."), _("Save it as CSV.")),
    "no_such_sheet": Wording(_("There is no sheet “%(sheet)s”."), _("Choose another sheet.")),
    "file_gone": Wording(_("The stored file is gone."), _("Upload it again.")),
}


def failure(code: str, detail: Mapping[str, Any], words: Mapping[str, Wording]) -> Wording:
    """The refusal's two sentences apart, with its details filled in."""
    refused, wording = Refused(code, **detail), words[code]
    return Wording(refusal_text(refused, {code: wording.title}), wording.fix)
