"""An act on the selected rows: which, on whom, and what it takes."""

from typing import Any

from django import forms
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from config.console.fields import reason_field
from config.engine.ids import read_id

MAX_SELECTED = 50


class BulkAction(TextChoices):
    AUTO_RENEWAL_OFF = "auto_renewal_off", _("Switch auto-renewal off")
    AUTO_RENEWAL_ON = "auto_renewal_on", _("Switch auto-renewal on")
    COMPENSATE = "compensate", _("Compensate days")


REASONS = {
    "already_on": _("auto-renewal is on already"),
    "already_off": _("auto-renewal is off already"),
    "nothing_to_extend": _("never had a term"),
}


class SelectionForm(forms.Form):
    """What the list posts: the act and the selected ids. ``all`` is for the export only."""

    action = forms.ChoiceField(choices=BulkAction.choices)
    ids = forms.TypedMultipleChoiceField(coerce=int, choices=[])
    all = forms.CharField(required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["ids"].choices = [(value, value) for value in data.getlist("ids") if read_id(value)]  # type: ignore[attr-defined]

    def clean_ids(self) -> list[int]:
        ids = sorted(set(self.cleaned_data["ids"]))
        if len(ids) > MAX_SELECTED:
            raise forms.ValidationError(_("At most 50 members at a time."))
        return ids

    def clean_all(self) -> str:
        if self.cleaned_data["all"] == "1":
            raise forms.ValidationError(
                _("This acts on the rows selected on one page only. Exports go over every page.")
            )
        return ""


class CompensateManyForm(forms.Form):
    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=366, initial=3)
    reason = reason_field()
