"""Thresholds of a lifecycle policy, and the decision about a brake."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.console.fields import reason_field
from members.lifecycle.models import LifecyclePolicy
from members.lifecycle.operations.policies import THRESHOLDS

HELP = {
    "expiring_window_days": _("A term without auto-renewal counts as expiring this many days before it ends…"),
    "expiring_fraction": _("…but never longer than this part of it: 0.25 is a quarter."),
    "silent_days": _("No activity for so long under a live term makes a member churned."),
    "tenure_days": _("Cover without a gap for so long is one half of stable."),
    "stable_active_weeks": _("Active in so many…"),
    "stable_of_weeks": _("…of the last complete weeks is the other half."),
    "active_days_enter": _("So many active days make a member highly active."),
    "active_days_keep": _("Below this she is not highly active any more; lower than above, so that nobody flaps."),
    "active_window_days": _("The active days are counted over so many days."),
    "churn_after_days": _("Expired for so long, then churned."),
    "grace_days": _("The tier is held for so long after a paid term."),
    "settlement_hours": _("An automatic payment may arrive so late before anything moves or is sent."),
    "refund_days": _("A full refund later than this asks for a reason and counts with the member."),
    "brake_percent": _("A sweep that would move more than this share of the base into one state stops and asks."),
    "brake_floor": _("In a small base the brake allows at least so many."),
}


class PolicyForm(forms.ModelForm):
    """A draft's thresholds. It only validates: the operation writes."""

    class Meta:
        model = LifecyclePolicy
        fields = [*THRESHOLDS, "note"]
        help_texts = HELP

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].required = True
        self.fields["expiring_fraction"].widget.attrs["step"] = "0.05"
        self.fields["brake_percent"].widget.attrs["step"] = "0.1"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (data.get("active_days_keep") or 0) > (data.get("active_days_enter") or 0):
            self.add_error("active_days_keep", _("At most as many as make a member highly active."))
        if (data.get("stable_active_weeks") or 0) > (data.get("stable_of_weeks") or 0):
            self.add_error("stable_active_weeks", _("At most as many as are looked at."))
        return data

    def validate_constraints(self) -> None:
        """The two checks above say the same in words, beside the field."""

    @property
    def values(self) -> dict[str, Any]:
        """What the operations take."""
        return self.cleaned_data


class ReasonForm(forms.Form):
    """A decision and why it was taken."""

    reason = reason_field()
