from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, cast

from django import forms
from django.core.files.base import File
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.console.fields import MoneyField
from config.engine.naming import name_of
from config.engine.refusal import Refused, refusal_text
from entitlements.codes.models import CodePool
from members.files.words import REFUSALS
from members.segments.lists import ListRows, lines_of

MAX_BYTES = 10 * 1024 * 1024
MAX_PASTED = 2_000_000
# What the one column of a file may be called.
_HEADERS = {"code", "codes", "coupon", "voucher", "兑换码", "券码", "优惠码", "卡密"}


class PoolForm(forms.ModelForm):
    worth_cents = MoneyField(label=_("Worth of a code"))

    class Meta:
        model = CodePool
        fields = ["partner", "name", "name_zh", "code", "worth_cents", "low_stock", "is_open"]


class UploadForm(forms.Form):
    """Codes, pasted or as a file."""

    pasted = forms.CharField(
        label=_("Paste the codes"), required=False, max_length=MAX_PASTED,
        help_text=_("One code a line, or parted by commas or blanks."),
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "class": "mono"}),
    )  # fmt: skip
    file = forms.FileField(
        label=_("Or choose a file"), required=False, help_text=_("CSV, TXT or XLSX; the first column is read."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        text, file = (data.get("pasted") or "").strip(), data.get("file")
        if not self.errors and bool(text) == bool(file):
            both = gettext("Either paste or choose a file, not both.")
            self.add_error(None, both if text else gettext("Paste codes or choose a file."))
        if not self.errors:
            data["codes"] = _codes_in(file) if file else lines_of(text).splitlines()
        return data

    def clean_file(self) -> File | None:
        file = self.cleaned_data["file"]
        if file and file.size > MAX_BYTES:
            raise forms.ValidationError(gettext("At most 10 MB at a time."))
        return cast("File | None", file)


class HandOutForm(forms.Form):
    """A pool of which a member gets her code."""

    pool = forms.ModelChoiceField(label=_("Code pool"), queryset=CodePool.objects.none(), empty_label=_("Choose …"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelChoiceField", self.fields["pool"])
        field.queryset = CodePool.objects.filter(is_open=True)
        field.label_from_instance = name_of  # type: ignore[assignment, method-assign]


def _codes_in(file: File) -> list[str]:
    """The entries of a file's first column, without a first row that only names it."""
    with NamedTemporaryFile(suffix=Path(file.name or "").suffix[:8]) as stored:
        for chunk in file.chunks():
            stored.write(chunk)
        stored.flush()
        try:
            found = [entry for _row, entry in ListRows(Path(stored.name), "external_id")]
        except Refused as refused:
            raise forms.ValidationError(refusal_text(refused, REFUSALS)) from None
    return found[1:] if found and found[0].lower() in _HEADERS else found
