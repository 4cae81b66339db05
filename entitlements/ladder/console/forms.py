"""A cell of the ladder, and what is said when a version is submitted."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.console.fields import NamedChoiceField
from config.console.reviews import StartForm
from entitlements.benefits.models import Benefit, PlanBenefit, TierBenefit
from entitlements.benefits.words import level_text
from entitlements.usage.operations.consuming import MOST
from members.plans.models import Plan


class CellForm(forms.ModelForm):
    """Whether a benefit is given, and how much of it."""

    is_given = forms.BooleanField(label=_("Members get it"), required=False)

    class Meta:
        model = TierBenefit
        fields = ["amount", "level", "is_held_in_grace", "early_hours"]

    def __init__(self, *args: Any, benefit: Benefit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.benefit = benefit
        self.fields = {"is_given": self.fields["is_given"], **self.fields}
        if benefit.levels:
            choices = [("", _("none")), *((level, level_text(benefit, level)) for level in benefit.levels)]
            self.fields["level"] = forms.ChoiceField(label=self.fields["level"].label, choices=choices, required=False)
        else:
            del self.fields["level"]
        if "amount" in self.fields:
            if benefit.has_limit:
                self.fields["amount"].widget.attrs |= {"max": MOST, "inputmode": "numeric"}
            else:
                del self.fields["amount"]

    def clean_amount(self) -> int | None:
        amount: int | None = self.cleaned_data["amount"]
        if amount is not None and amount > MOST:
            raise forms.ValidationError(_("At most %(most)s."), params={"most": MOST})
        return amount

    def values(self) -> dict[str, Any] | None:
        """The cell's columns, None for a benefit that is not given."""
        data = {"level": ""} | self.cleaned_data
        return data if data.pop("is_given") else None


class AdditionForm(CellForm):
    """What a plan gives beyond its tier."""

    class Meta:
        model = PlanBenefit
        fields = ["amount", "level"]


class NewAdditionForm(forms.Form):
    """Which plan gives more of which benefit."""

    plan = NamedChoiceField(label=_("Plan"), queryset=Plan.objects.all())
    benefit = NamedChoiceField(label=_("Benefit"), queryset=Benefit.objects.current())


class SubmitForm(StartForm):
    """Why, and from when."""

    note = forms.CharField(label=_("What changes and why"), max_length=200)
    field_order = ["note", "starts_at"]
