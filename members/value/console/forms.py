from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.console.fields import CurrencyField, MoneyField, typed_currency
from config.engine.naming import name_of
from members.events.models import EventDefinition
from members.plans.models import Tier
from members.value.models import By, RfmThresholds, TierCost, ValueSettings

MAX_NUMBER = 1_000_000


def _percent() -> forms.IntegerField:
    return forms.IntegerField(label=_("Better than (% of the buyers)"), min_value=1, max_value=99, required=False)


def _by(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=By.choices)


class ThresholdsForm(forms.Form):
    """Thresholds of the three axes; each axis takes the value of the way it goes by."""

    window_days = forms.IntegerField(
        label=_("Purchases of the last (days)"), min_value=1, max_value=36_500, required=False,
        help_text=_("Empty: all of them."),
    )  # fmt: skip
    recency_by = _by(_("Recent"))
    recency_percent = _percent()
    recency_fixed = forms.IntegerField(
        label=_("Last purchase at most so many days ago"), min_value=0, max_value=36_500, required=False
    )
    frequency_by = _by(_("Frequent"))
    frequency_percent = _percent()
    frequency_fixed = forms.IntegerField(
        label=_("Purchases, at least"), min_value=1, max_value=MAX_NUMBER, required=False
    )
    monetary_by = _by(_("High spend"))
    monetary_percent = _percent()
    monetary_fixed = MoneyField(label=_("Spent, at least"), required=False)

    AXES = ("recency", "frequency", "monetary")

    def __init__(self, *args: Any, thresholds: RfmThresholds, currency: str, **kwargs: Any) -> None:
        initial: dict[str, Any] = {"window_days": thresholds.window_days}
        for axis in self.AXES:
            by, value = getattr(thresholds, f"{axis}_by"), getattr(thresholds, f"{axis}_value")
            initial |= {f"{axis}_by": by, f"{axis}_{'percent' if by == By.QUANTILE else 'fixed'}": value}
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        spent: Any = self.fields["monetary_fixed"]
        spent.currency = currency

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        for axis in self.AXES:
            field = f"{axis}_{'percent' if found.get(f'{axis}_by') == By.QUANTILE else 'fixed'}"
            if field not in self.errors and found.get(field) is None:
                self.add_error(field, _("The axis goes by this value: fill it in."))
        return found

    @property
    def values(self) -> dict[str, Any]:
        """The thresholds as the operations take them."""
        found: dict[str, Any] = {"window_days": self.cleaned_data["window_days"]}
        for axis in self.AXES:
            by = self.cleaned_data[f"{axis}_by"]
            found[f"{axis}_by"] = by
            found[f"{axis}_value"] = self.cleaned_data[f"{axis}_{'percent' if by == By.QUANTILE else 'fixed'}"]
        return found


class EventChoiceField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return obj.label or obj.name


class SettingsForm(forms.ModelForm):
    """What the scores read, when a member is mature, and a monthly cost for each tier."""

    currency = CurrencyField(label=_("Currency"))
    invited_event = EventChoiceField(
        label=_("Event: invited somebody"), queryset=EventDefinition.objects.all(), required=False
    )
    converted_event = EventChoiceField(
        label=_("Event: an invitation led to a purchase"), queryset=EventDefinition.objects.all(), required=False
    )

    class Meta:
        model = ValueSettings
        fields = [
            "currency", "counts_terms", "spend_ratio_min", "active_days_min", "referral_percent_min",
            "variation_percent_max", "invited_event", "converted_event", "cost_attribute",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        costs = dict(TierCost.objects.values_list("tier_id", "monthly_cents"))
        self.tiers = list(Tier.objects.all())
        for tier in self.tiers:
            self.fields[f"cost_{tier.pk}"] = MoneyField(
                label=_("Monthly cost of a member: %(tier)s") % {"tier": name_of(tier)}, required=False,
                initial=costs.get(tier.pk), currency=typed_currency("currency"),
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if bool(found.get("invited_event")) != bool(found.get("converted_event")):
            field = "converted_event" if found.get("invited_event") else "invited_event"
            self.add_error(field, _("Referral conversion needs both events, or neither."))
        return found

    @property
    def costs(self) -> dict[int, int | None]:
        return {tier.pk: self.cleaned_data[f"cost_{tier.pk}"] for tier in self.tiers}

    @property
    def values(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}
