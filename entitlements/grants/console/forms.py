"""Forms by which somebody gives a member a benefit or a pack, and takes back what was given or used."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.console.fields import NamedChoiceField, reason_field
from entitlements.benefits.models import Benefit, Pack
from entitlements.grants.models import Grant
from members.people.rules import end_of_day


class GiveForm(forms.Form):
    """Some of a benefit, for one member."""

    benefit = NamedChoiceField(label=_("Benefit"), queryset=Benefit.objects.current())
    amount = forms.IntegerField(
        label=_("Quantity"), min_value=1, max_value=10**12, required=False,
        help_text=_("Empty: no limit. A benefit that is only had or not had needs none."),
    )  # fmt: skip
    source = forms.ChoiceField(
        label=_("As"),
        choices=[(Grant.Source.MANUAL, _("Top-up by hand")), (Grant.Source.COMPENSATION, _("Compensation"))],
    )
    recurs = forms.BooleanField(
        label=_("Anew in each usage period"), required=False, help_text=_("Otherwise the amount is there once.")
    )
    expires_on = forms.DateField(
        label=_("Until the end of"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Her own day. Empty: it does not expire."),
    )  # fmt: skip
    reason = reason_field()

    def __init__(self, *args: Any, zone: str, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.at = zone, at

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        day = data.get("expires_on")
        if day and end_of_day(day, self.zone) <= self.at:
            self.add_error("expires_on", _("This day is over. Choose today or a later one."))
        return data

    def values(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        day = data.pop("expires_on")
        return {**data, "expires_at": end_of_day(day, self.zone) if day else None}


class GivePackForm(forms.Form):
    """A pack, for one member."""

    pack = NamedChoiceField(label=_("Pack"), queryset=Pack.objects.filter(is_sold=True))
    reason = reason_field()


class ReasonForm(forms.Form):
    """Why something is taken back."""

    reason = reason_field()
