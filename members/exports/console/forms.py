from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.exports.columns import DEFAULT, catalogue
from members.exports.operations import CSV, XLSX


class ExportForm(forms.Form):
    """What an export holds. ``reveal`` is there only for roles that may see personal data in full."""

    file_format = forms.ChoiceField(
        label=_("Format"), choices=[(CSV, _("CSV (UTF-8, opens in Excel)")), (XLSX, "XLSX")], widget=forms.RadioSelect,
        initial=CSV,
    )  # fmt: skip
    columns = forms.MultipleChoiceField(
        label=_("Columns"), widget=forms.CheckboxSelectMultiple, initial=list(DEFAULT),
        choices=lambda: [(column.key, column.label) for column in catalogue()],
    )  # fmt: skip
    reveal = forms.BooleanField(
        label=_("Names, phones and addresses in full"), required=False,
        help_text=_("Otherwise they are masked. The export is recorded in the audit log either way."),
    )  # fmt: skip

    def __init__(self, *args: Any, may_reveal: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_reveal:
            del self.fields["reveal"]
