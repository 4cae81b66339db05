from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.console.fields import CurrencyField, MoneyField, NamedChoiceField, typed_currency
from config.engine.money import project_currency
from members.plans.models import Plan, Tier


class PlanForm(forms.ModelForm):
    """A plan's fields; the operation writes them."""

    tier = NamedChoiceField(label=_("Tier"), queryset=Tier.objects.all())
    price_cents = MoneyField(label=_("Price"), currency=typed_currency("currency"))
    currency = CurrencyField(label=_("Currency"), initial=project_currency)

    class Meta:
        model = Plan
        fields = [
            "code", "name", "name_zh", "tier", "duration_count", "duration_unit", "price_cents", "currency",
            "trial_days", "grace_days", "is_sold",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["duration_count"].min_value = 1  # type: ignore[attr-defined]
        self.fields["duration_count"].widget.attrs["min"] = 1

    def clean_duration_count(self) -> int:
        count = self.cleaned_data["duration_count"]
        if count < 1:
            raise forms.ValidationError(_("At least 1."))
        return count


class TierForm(forms.ModelForm):
    class Meta:
        model = Tier
        fields = ["code", "name", "name_zh", "position", "grace_days"]
