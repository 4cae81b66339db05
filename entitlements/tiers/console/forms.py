"""A qualification policy's conditions, tiers given by hand, and decisions."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from config.console.fields import MoneyField, reason_field
from config.engine.naming import name_of
from config.staff.models import User
from entitlements.tiers.measures import MEASURES, Measure, Unit
from entitlements.tiers.models import QualificationPolicy, TierRung
from entitlements.tiers.operations import manual
from entitlements.tiers.operations.policies import CONDITIONS, Asked
from members.people.models import Member
from members.people.rules import end_of_day, local_date
from members.plans.models import Tier

MOST = 10**12

HELP = {
    "period": _("What is earned counts until the period ends; then the tier is judged and counting begins anew."),
    "period_months": _("Only for a rolling period."),
    "downgrade": _("What becomes of a tier that was not earned again in its period."),
    "grace_days": _("A tier not earned again is held for so long after the period's end."),
    "notice_days": _("So long before a downgrade acts, segments and pages know of it."),
    "plan_is_floor": _("While it runs nobody stands below the tier they pay for, and the way up is counted from it."),
    "refund_takes_back": _("Else a tier reached with money that went back is kept until the period is judged."),
    "gap_measure": _("“Spend ¥300 more to reach Gold.”"),
    "brake_percent": _("An assessment that would move more than this share of the base stops and asks."),
    "brake_floor": _("In a small base the brake allows at least so many."),
}


def _threshold(measure: Measure, currency: str, initial: int | None) -> forms.Field:
    words: dict[str, Any] = {"label": str(measure.label), "required": False, "initial": initial}
    if measure.unit == Unit.MONEY:
        return MoneyField(currency=currency, most=MOST, **words)
    return forms.IntegerField(min_value=0, max_value=MOST, **words)


class PolicyForm(forms.ModelForm):
    """A draft's conditions and what it asks for each tier. It only validates: the operation writes."""

    gap_measure = forms.ChoiceField(label=_("The way to the next tier is told in"), help_text=HELP["gap_measure"])

    class Meta:
        model = QualificationPolicy
        fields = [*CONDITIONS, "note"]
        help_texts = HELP

    def __init__(self, *args: Any, rungs: dict[int, tuple[str, dict[str, int]]], currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].required = True
        self.fields["brake_percent"].widget.attrs["step"] = "0.1"
        self.measures = MEASURES.all()
        gap_field: Any = self.fields["gap_measure"]
        gap_field.choices = [(measure.code, measure.label) for measure in self.measures]
        self.tiers = list(Tier.objects.order_by("-position"))
        for tier in self.tiers:
            joined_by, thresholds = rungs.get(tier.pk, ("all", {}))
            for measure in self.measures:
                self.fields[self._name(tier, measure.code)] = _threshold(
                    measure, currency, thresholds.get(measure.code)
                )
            self.fields[self._name(tier, "joined")] = forms.ChoiceField(
                label=_("Needs"), choices=TierRung.Joined.choices, initial=joined_by, required=False
            )

    @staticmethod
    def _name(tier: Tier, part: str) -> str:
        return f"tier_{tier.pk}_{part}"

    @property
    def ladder(self) -> list[dict[str, Any]]:
        """Each tier with its fields, the highest first."""
        parts = [*(measure.code for measure in self.measures), "joined"]
        return [
            {"name": name_of(tier), "fields": [self[self._name(tier, part)] for part in parts]} for tier in self.tiers
        ]

    @property
    def conditions_fields(self) -> list[Any]:
        return [self[name] for name in CONDITIONS]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        for higher, lower in zip(self.tiers, self.tiers[1:], strict=False):
            for measure in self.measures:
                above, below = (found.get(self._name(tier, measure.code)) for tier in (higher, lower))
                if above is not None and below is not None and above < below:
                    self.add_error(self._name(higher, measure.code), _("At least as much as the tier below it asks."))
        return found

    def validate_constraints(self) -> None:
        """A draft is never the active one, of which there can be only one."""

    @property
    def values(self) -> dict[str, Any]:
        """What the operations take."""
        return {
            **{name: self.cleaned_data[name] for name in (*CONDITIONS, "note")},
            "rungs": [self._asked(tier) for tier in self.tiers],
        }

    def _asked(self, tier: Tier) -> Asked:
        typed = {measure.code: self.cleaned_data[self._name(tier, measure.code)] for measure in self.measures}
        thresholds = {code: value for code, value in typed.items() if value is not None}
        return Asked(tier.pk, self.cleaned_data[self._name(tier, "joined")] or "all", thresholds)


class ReasonForm(forms.Form):
    """A decision and why it was taken."""

    reason = reason_field()


class MemberTierForm(forms.Form):
    """Something done about one member's given tier."""

    def __init__(self, *args: Any, member: Member, at: datetime, **kwargs: Any) -> None:
        self.member, self.at = member, at
        self.zone = member.lifecycle.time_zone or settings.PROJECT_TIME_ZONE
        super().__init__(*args, **kwargs)

    def carry_out(self, *, actor: User) -> bool:
        """Do it; False, with an error, when it does not apply."""
        raise NotImplementedError


class GiveForm(MemberTierForm):
    tier = forms.ChoiceField(label=_("Tier"))
    until_on = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("By the member's own clock. Empty: for good."),
    )  # fmt: skip
    reason = reason_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["tier"]
        field.choices = [(str(tier.pk), name_of(tier)) for tier in Tier.objects.order_by("position")]

    def clean_until_on(self) -> Any:
        day = self.cleaned_data["until_on"]
        if day and day < local_date(self.at, self.zone):
            raise forms.ValidationError(_("This day is over. Choose today or a later one."))
        if day and day.year > 2200:
            raise forms.ValidationError(_("Leave it empty where the tier is given for good."))
        return day

    def carry_out(self, *, actor: User) -> bool:
        day = self.cleaned_data["until_on"]
        manual.give_tier(
            member_id=self.member.pk, tier_id=int(self.cleaned_data["tier"]), reason=self.cleaned_data["reason"],
            until=end_of_day(day, self.zone) if day else None, actor=actor, at=self.at,
        )  # fmt: skip
        return True


class TakeBackForm(MemberTierForm):
    reason = reason_field()

    def carry_out(self, *, actor: User) -> bool:
        done = manual.take_tier_back(
            member_id=self.member.pk, reason=self.cleaned_data["reason"], actor=actor, at=self.at
        )
        if not done:
            self.add_error(None, _("She has no tier given by hand (any more)."))
        return done
