"""Forms of benefits and packs."""

from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.forms.utils import ErrorList
from django.utils.translation import gettext_lazy as _

from config.console.fields import MoneyField, NamedChoiceField
from config.engine.naming import event_label
from entitlements.benefits.models import Benefit, Pack
from members.events.models import EventDefinition

# The fields of the form by what they are about; the second list is for what has a limit alone.
WORDS = ["code", "name", "name_zh", "description", "description_zh", "category", "is_core", "levels"]
LIMIT = ["period", "is_by_calendar", "is_hard_limit", "rollover_min", "rollover_max"]
UNITS = ["unit", "unit_zh"]
MONEY = ["worth_cents", "cost_cents"]
UNLOCKING = ["unlocked_by", "unlocked_after"]
EVENTS = ["consumed_by", "amount_property"]
WITHOUT = [
    "when_denied", "preview_limit", "public_at", "hint_open", "hint_open_zh", "hint_upgrade", "hint_upgrade_zh",
]  # fmt: skip
GROUPS: list[tuple[Any, list[str]]] = [
    (_("What it is"), WORDS),
    (_("Limit and usage period"), [*UNITS, *LIMIT]),
    (_("Worth and cost"), MONEY),
    (_("Unlocking"), UNLOCKING),
    (_("Used up by events"), EVENTS),
    (_("Without it"), WITHOUT),
]


class BenefitForm(forms.ModelForm):
    """The fields one kind of benefit needs; the operation writes them."""

    levels = SimpleArrayField(
        forms.CharField(max_length=40), label=_("Levels"), required=False, max_length=20,
        help_text=_("From the worst to the best, such as 720p, 1080p, 4K, or 0.95, 0.88."),
    )  # fmt: skip
    worth_cents = MoneyField(label=_("Worth a use"), help_text=_("What a member saves by it."))
    cost_cents = MoneyField(label=_("Cost a use"), help_text=_("What it costs the project."))
    unlocked_by = NamedChoiceField(
        label=_("Unlocked by using"), queryset=Benefit.objects.none(), required=False, empty_label=_("not locked")
    )
    consumed_by = forms.ModelChoiceField(
        label=_("Used up by the event"), queryset=EventDefinition.objects.all(), required=False,
        empty_label=_("no event"),
    )  # fmt: skip

    class Meta:
        model = Benefit
        fields = [*WORDS, *UNITS, *LIMIT, *MONEY, *UNLOCKING, *EVENTS, *WITHOUT]
        widgets = {"public_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")}

    def __init__(self, *args: Any, kind: str, is_granted: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        if kind == Benefit.Kind.ACCESS:
            for name in [*LIMIT, "amount_property"]:
                del self.fields[name]
        elif is_granted:
            for name in ("period", "is_by_calendar"):
                self.fields[name].disabled = True
                self.fields[name].help_text = _("Fixed since the first grant.")
        for name in ("worth_cents", "cost_cents", "rollover_min", "rollover_max", "preview_limit", "unlocked_after"):
            if name in self.fields:
                self.fields[name].required = False
        benefits: Any = self.fields["unlocked_by"]
        benefits.queryset = Benefit.objects.current().exclude(pk=self.instance.pk)
        events: Any = self.fields["consumed_by"]
        events.label_from_instance = event_label

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in ("worth_cents", "cost_cents", "rollover_min", "rollover_max", "preview_limit"):
            if name in self.fields and name not in self.errors:
                data[name] = data.get(name) or 0
        data["unlocked_after"] = data.get("unlocked_after") or 1
        if data.get("rollover_min", 0) > data.get("rollover_max", 0):
            self.add_error("rollover_min", _("Not more than what is carried over at most."))
        return data

    def values(self) -> dict[str, Any]:
        return {"kind": self.kind, **self.cleaned_data}

    @property
    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """The fields by what they are about; a group without any is left out."""
        found = [(label, [self[name] for name in names if name in self.fields]) for label, names in GROUPS]
        return [(label, fields) for label, fields in found if fields]


class ArchiveForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)


class PackForm(forms.ModelForm):
    """A pack; what is in it is ``PartFormSet``."""

    price_cents = MoneyField(label=_("Price"))

    class Meta:
        model = Pack
        fields = ["code", "name", "name_zh", "is_light", "price_cents", "days", "is_sold"]


class PartForm(forms.Form):
    """One benefit of a pack."""

    benefit = NamedChoiceField(
        label=_("Benefit"), queryset=Benefit.objects.current(), required=False, empty_label=_("none")
    )
    amount = forms.IntegerField(label=_("Quantity"), min_value=1, max_value=10**12, required=False)
    level = forms.CharField(label=_("Level"), max_length=40, required=False)
    recurs = forms.BooleanField(label=_("Anew in each usage period"), required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        benefit, level = data.get("benefit"), data.get("level")
        if benefit and level and level not in benefit.levels:
            known = ", ".join(benefit.levels) or "—"
            self.add_error("level", _("The levels of this benefit: %(levels)s") % {"levels": known})
        return data


class _Parts(forms.BaseFormSet):
    def clean(self) -> None:
        chosen = [form.cleaned_data["benefit"] for form in self.forms if form.cleaned_data.get("benefit")]
        if len(chosen) != len(set(chosen)):
            self._non_form_errors = ErrorList([str(_("Each benefit once."))])


PartFormSet = forms.formset_factory(PartForm, formset=_Parts, extra=4)


def chosen_parts(formset: forms.BaseFormSet) -> list[dict[str, Any]]:
    """The lines of a valid form set in which a benefit was chosen."""
    return [form.cleaned_data for form in formset.forms if form.cleaned_data.get("benefit")]
