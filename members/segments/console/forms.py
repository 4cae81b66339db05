from datetime import date
from typing import Any, cast

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.engine.naming import name_of
from members.segments.console.history import MAX_COMPARED
from members.segments.dimensions import DIMENSIONS
from members.segments.models import Segment, SegmentUpload

MAX_PASTED = 2_000_000


class SegmentForm(forms.Form):
    """What a segment is called, and why it is changed."""

    name = forms.CharField(label=_("Segment name"), max_length=80)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80, required=False)
    description = forms.CharField(label=_("What it is for"), max_length=300, required=False)
    reason = forms.CharField(label=_("Why this change"), max_length=200, required=False)

    @classmethod
    def of(cls, segment: Segment) -> "SegmentForm":
        return cls(initial={"name": segment.name, "name_zh": segment.name_zh, "description": segment.description})


class FreezeForm(forms.Form):
    """The name under which the members of a moment are kept."""

    name = forms.CharField(label=_("Segment name"), max_length=80)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80, required=False)
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)


class ArchiveForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)


class ListForm(forms.Form):
    """A list of members: pasted or a file, and what its entries are."""

    kind = forms.ChoiceField(
        label=_("What the list holds"), choices=SegmentUpload.Kind.choices, widget=forms.RadioSelect,
        initial=SegmentUpload.Kind.EXTERNAL_ID,
    )  # fmt: skip
    pasted = forms.CharField(
        label=_("Paste the list"), required=False, max_length=MAX_PASTED,
        help_text=_("One entry a line, or parted by commas or blanks."),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono"}),
    )  # fmt: skip
    file = forms.FileField(
        label=_("Or choose a file"), required=False,
        help_text=_("CSV, TXT or XLSX. With several columns the one named like the entries is read."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        has_text, has_file = bool((cleaned.get("pasted") or "").strip()), bool(cleaned.get("file"))
        if not self.errors and has_text == has_file:
            message = gettext("Paste a list or choose a file.")
            self.add_error(None, gettext("Either paste or choose a file, not both.") if has_text else message)
        return cleaned


class CompareForm(forms.Form):
    """Two to four segments beside each other."""

    s = forms.TypedMultipleChoiceField(label=_("Segments"), coerce=int, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, segments: list[Segment], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["s"]).choices = [(found.pk, name_of(found)) for found in segments]

    def clean_s(self) -> list[int]:
        chosen: list[int] = self.cleaned_data["s"]
        if not 2 <= len(chosen) <= MAX_COMPARED:
            raise forms.ValidationError(gettext("Choose two to four segments."))
        return chosen


class DimensionForm(forms.Form):
    """By what a segment is broken down."""

    by = forms.ChoiceField(label=_("Break down by"), widget=forms.Select(attrs={"data-autosubmit": ""}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["by"]).choices = [(found.code, found.label) for found in DIMENSIONS]


def _day(label: Any, **kwargs: Any) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}), **kwargs)


class HistoryForm(forms.Form):
    """Since when somebody came or went, and the past day one asks about."""

    since = _day(_("Since"))
    on = _day(_("As of the end of"))

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        for name in self.fields:
            self.fields[name].widget.attrs["max"] = today.isoformat()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in ("since", "on"):
            day = cleaned.get(name)
            if day and not (day.year >= 1900 and day <= self.today):
                self.add_error(name, gettext("Choose a day up to today."))
        return cleaned
