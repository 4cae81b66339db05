"""The wizard's forms: the file, how it is read, what its columns hold, and how it is written."""

from collections.abc import Iterator
from typing import Any, cast

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.console.fields import NamedChoiceField, PlanChoiceField
from config.engine import clock
from members.files.mapping import ATTRIBUTE, IGNORE
from members.files.reading import DELIMITERS, ENCODINGS
from members.imports.models import ImportRun
from members.imports.operations.uploads import missing_fields
from members.imports.operations.writes import TELCO_PLANS
from members.imports.shapes import SHAPES
from members.plans.models import Plan, Tier

ENCODING_LABELS = {
    "utf-8": "UTF-8",
    "gb18030": "GB18030 (GBK)",
    "utf-16": "UTF-16",
    "big5": "Big5",
    "cp1252": "Windows-1252",
}
DELIMITER_LABELS = {",": _("Comma ,"), ";": _("Semicolon ;"), "\t": _("Tab"), "|": _("Bar |"), " ": _("Spaces")}
# Profiles whose other columns can be kept with the member or the event.
WITH_ATTRIBUTES = ("members", "events")


class UploadForm(forms.Form):
    file = forms.FileField(label=_("File"), widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}))
    profile = forms.ChoiceField(label=_("What it holds"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["profile"]).choices = [
            ("", _("Find out from the columns")),
            *ImportRun.Profile.choices,
        ]
        self.fields["file"].help_text = _("CSV or XLSX, up to %(size)s. Nothing is written before you confirm.") % {
            "size": filesizeformat(settings.IMPORT_MAX_BYTES)
        }


class LayoutForm(forms.Form):
    """How the file is read; each change shows the preview anew."""

    profile = forms.ChoiceField(label=_("What it holds"), choices=ImportRun.Profile.choices)
    encoding = forms.ChoiceField(label=_("Encoding"), choices=[(code, ENCODING_LABELS[code]) for code in ENCODINGS])
    delimiter = forms.ChoiceField(label=_("Separator"), choices=[(d, DELIMITER_LABELS[d]) for d in DELIMITERS])
    sheet = forms.ChoiceField(label=_("Sheet"))
    has_header = forms.BooleanField(label=_("The first row holds the column names"), required=False)

    def __init__(self, *args: Any, run: ImportRun, sheets: list[str], **kwargs: Any) -> None:
        kwargs.setdefault("initial", {name: getattr(run, name) for name in self.base_fields})
        super().__init__(*args, **kwargs)
        for name in ("encoding", "delimiter") if run.format == ImportRun.Format.XLSX else ("sheet",):
            del self.fields[name]
        if "sheet" in self.fields:
            cast("forms.ChoiceField", self.fields["sheet"]).choices = [(name, name) for name in sheets]
        if "delimiter" in self.fields:
            # A tab or a space alone is a value here.
            self.fields["delimiter"].strip = False  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.widget.attrs["data-autosubmit"] = ""


class MappingForm(forms.Form):
    """Which field each column fills, and the choices the kind of file asks for."""

    as_of_on = forms.DateField(
        label=_("As of"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The file has no dates. Tenure is counted back from this day, and those who left did so on it."),
    )
    default_tier = NamedChoiceField(
        label=_("Tier of rows that name none"),
        queryset=Tier.objects.all(),
        required=False,
        empty_label=_("None: such rows are errors"),
    )

    def __init__(self, *args: Any, run: ImportRun, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run = run
        self.columns = []
        choices = self._choices()
        for index, name in enumerate(run.columns):
            key = f"c{index}"
            self.fields[key] = forms.ChoiceField(
                label=name,
                choices=choices,
                required=False,
                initial=run.mapping[index] if index < len(run.mapping) else IGNORE,
            )
            self.fields[key].widget.attrs["aria-label"] = gettext("Field of column %(name)s") % {"name": name}
            self.columns.append(key)
        if run.profile == ImportRun.Profile.TELCO:
            self._ask_telco()
        else:
            del self.fields["as_of_on"]
        if run.profile not in (ImportRun.Profile.MEMBERS, ImportRun.Profile.TERMS):
            del self.fields["default_tier"]
        elif run.options.get("default_tier"):
            self.fields["default_tier"].initial = run.options["default_tier"]

    def _ask_telco(self) -> None:
        today = timezone.localtime(clock.now()).date()
        self.fields["as_of_on"].initial = self.run.options.get("as_of_on") or today
        for contract, (code, name, *_rest) in TELCO_PLANS.items():
            self.fields[f"plan_{contract}"] = PlanChoiceField(
                label=gettext("Plan for contract “%(name)s”") % {"name": name}, queryset=Plan.objects.select_related("tier"),
                required=False, empty_label=gettext("Create “%(code)s” if it does not exist") % {"code": code},
                initial=self.run.options.get(f"plan_{contract}"),
            )  # fmt: skip

    def _choices(self) -> list[tuple[str, Any]]:
        choices = [(IGNORE, _("— not imported"))]
        if self.run.profile in WITH_ATTRIBUTES:
            choices.append((ATTRIBUTE, _("Keep as an attribute")))
        return choices + [(field.name, field.label) for field in SHAPES[self.run.profile].fields]

    def option_fields(self) -> Iterator[forms.BoundField]:
        return (self[name] for name in self.fields if name not in self.columns)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        taken: dict[str, str] = {}
        for key in self.columns:
            field = cleaned.get(key, IGNORE)
            if field in (IGNORE, ATTRIBUTE):
                continue
            if field in taken:
                self.add_error(
                    key, gettext("“%(name)s” already fills this field.") % {"name": self.fields[taken[field]].label}
                )
            taken.setdefault(field, key)
        for group in missing_fields(self.run.profile, taken):
            names = gettext(" or ").join(str(SHAPES[self.run.profile].field(name).label) for name in group)
            self.add_error(None, gettext("Choose the column that holds: %(names)s") % {"names": names})
        return cleaned

    def mapping(self) -> list[str]:
        return [self.cleaned_data[key] for key in self.columns]

    def options(self) -> dict[str, Any]:
        """The choices as JSON: dates in ISO form, objects by their keys."""
        chosen = {name: value for name, value in self.cleaned_data.items() if name not in self.columns and value}
        return {name: value.pk if hasattr(value, "pk") else value.isoformat() for name, value in chosen.items()}


class ConfirmForm(forms.Form):
    mode = forms.ChoiceField(label=_("How"), choices=ImportRun.Mode.choices, widget=forms.RadioSelect)
