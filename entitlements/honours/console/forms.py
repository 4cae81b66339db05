"""Forms of what benefits show, of honours and of advisers."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.console.fields import NamedChoiceField, TypedNumberField, reason_field
from config.staff.models import User
from entitlements.benefits.models import Benefit
from entitlements.honours.models import Adornment, Honour
from entitlements.honours.operations import advising
from entitlements.honours.operations.adorning import FIELDS as ADORNMENT_FIELDS
from entitlements.honours.operations.running import FIELDS as HONOUR_FIELDS
from entitlements.honours.rules import last_year_over
from entitlements.tiers.measures import MEASURES

FIRST_YEAR = 2000


class AdornmentForm(forms.ModelForm):
    """What a benefit shows of whoever has it; the operation writes it."""

    class Meta:
        model = Adornment
        fields = ADORNMENT_FIELDS


class HonourForm(forms.ModelForm):
    """An honour; the operation writes it."""

    measure = forms.ChoiceField(label=_("Ranked by"), help_text=_("Counted over the calendar year of each member."))
    benefit = NamedChoiceField(
        label=_("Gives the benefit"), queryset=Benefit.objects.none(), required=False, empty_label=_("none"),
        help_text=_("Such as a frame: everybody on the list has it while the title is worn."),
    )  # fmt: skip

    class Meta:
        model = Honour
        fields = HONOUR_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["measure"]
        chosen.choices = [(measure.code, measure.label) for measure in MEASURES]
        benefits: Any = self.fields["benefit"]
        benefits.queryset = Benefit.objects.current().filter(kind=Benefit.Kind.ACCESS)


class YearForm(forms.Form):
    """The year an honour is counted for."""

    year = forms.IntegerField(label=_("Year"), min_value=FIRST_YEAR, max_value=2200)

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        kwargs["initial"] = {"year": last_year_over(at)} | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)


class ConfirmForm(forms.Form):
    """The number of members, typed again, and which list was looked at."""

    confirm = TypedNumberField(label=_("Number of members"))
    counted_at = forms.DateTimeField(widget=forms.HiddenInput)


class VoidForm(forms.Form):
    reason = reason_field()


class _AdviserField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.shown_name)


class _AdvisersField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.shown_name)


def _colleagues() -> Any:
    return User.objects.filter(pk__in=[user.pk for user in advising.advisers()]).order_by("username")


class AdviserForm(forms.Form):
    """Who looks after one member."""

    adviser = _AdviserField(label=_("Adviser"), queryset=User.objects.none(), empty_label=_("Choose one"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["adviser"]
        field.queryset = _colleagues()


class SpreadForm(forms.Form):
    """Over whom the members who wait are spread."""

    advisers = _AdvisersField(
        label=_("Over these colleagues"), queryset=User.objects.none(), widget=forms.CheckboxSelectMultiple,
        help_text=_("Each gets so many that all of them look after as many members as the others."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["advisers"]
        field.queryset = _colleagues()
