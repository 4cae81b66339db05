"""One form per term operation. ``carry_out`` calls the one operation; what it refuses becomes an error of the form."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.console.fields import MoneyField, NamedChoiceField, PlanChoiceField, plan_currency, reason_field
from config.engine.refusal import Refused, refusal_text
from config.staff.models import User
from members.people.models import Member
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from members.terms.orders import refuse_house_order
from members.terms.words import REFUSALS


class TermForm(forms.Form):
    """A form about ``member`` and, where the operation is about one, her ``term``."""

    def __init__(self, *args: Any, member: Member, term: MembershipTerm | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member, self.term = member, term

    def carry_out(self, *, actor: User, at: datetime) -> bool:
        """Do it; returns whether it was done. A refusal is added to the form's errors."""
        try:
            self.operate(actor=actor, at=at)
        except Refused as refused:
            self.add_error(None, refusal_text(refused, REFUSALS))
            return False
        return True

    def operate(self, *, actor: User, at: datetime) -> None:
        raise NotImplementedError


def _external_ref() -> forms.CharField:
    return forms.CharField(
        label=_("Order number"),
        max_length=120,
        required=False,
        validators=[refuse_house_order],
        help_text=_("The same number again books nothing twice."),
    )


class PurchaseForm(TermForm):
    plan = PlanChoiceField(label=_("Plan"), queryset=Plan.objects.filter(is_sold=True))
    price = MoneyField(
        label=_("Price paid"), required=False, help_text=_("Empty: the plan's price."), currency=plan_currency("plan")
    )
    external_ref = _external_ref()
    auto_renewal = forms.TypedChoiceField(
        label=_("Auto-renewal"),
        required=False,
        coerce=lambda value: value == "on",
        empty_value=None,
        choices=[("", _("Leave as it is")), ("on", _("Switch on")), ("off", _("Switch off"))],
    )

    def operate(self, *, actor: User, at: datetime) -> None:
        data = self.cleaned_data
        terms.purchase(
            member_id=self.member.pk,
            plan=data["plan"],
            price_cents=data["price"],
            external_ref=data["external_ref"] or None,
            auto_renewal=data["auto_renewal"],
            actor=actor,
            at=at,
        )


class RenewForm(TermForm):
    price = MoneyField(label=_("Price paid"), required=False, help_text=_("Empty: the plan's price."))
    external_ref = _external_ref()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        price: Any = self.fields["price"]
        plan = terms.plan_to_renew(self.member.pk)
        price.currency = plan.currency if plan else None

    def operate(self, *, actor: User, at: datetime) -> None:
        data = self.cleaned_data
        terms.renew_membership(
            member_id=self.member.pk,
            price_cents=data["price"],
            external_ref=data["external_ref"] or None,
            actor=actor,
            at=at,
        )


class TrialForm(TermForm):
    plan = NamedChoiceField(label=_("Plan"), queryset=Plan.objects.filter(is_sold=True, trial_days__gt=0))

    def operate(self, *, actor: User, at: datetime) -> None:
        terms.start_trial(member_id=self.member.pk, plan=self.cleaned_data["plan"], actor=actor, at=at)


class GiftForm(TermForm):
    plan = NamedChoiceField(label=_("Plan"), queryset=Plan.objects.all())
    external_ref = _external_ref()

    def operate(self, *, actor: User, at: datetime) -> None:
        data = self.cleaned_data
        terms.give_term(
            member_id=self.member.pk,
            plan=data["plan"],
            external_ref=data["external_ref"] or None,
            actor=actor,
            at=at,
        )


class CompensateForm(TermForm):
    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=366, initial=3)
    reason = reason_field()

    def operate(self, *, actor: User, at: datetime) -> None:
        data = self.cleaned_data
        terms.compensate(member_id=self.member.pk, days=data["days"], reason=data["reason"], actor=actor, at=at)


class RefundForm(TermForm):
    reason = reason_field()

    def operate(self, *, actor: User, at: datetime) -> None:
        assert self.term is not None
        terms.refund_term(term_id=self.term.pk, reason=self.cleaned_data["reason"], actor=actor, at=at)


class VoidForm(TermForm):
    reason = reason_field()

    def operate(self, *, actor: User, at: datetime) -> None:
        assert self.term is not None
        terms.void_term(term_id=self.term.pk, reason=self.cleaned_data["reason"], actor=actor, at=at)


class ChangeTierForm(TermForm):
    tier = NamedChoiceField(label=_("Tier"), queryset=Tier.objects.all())
    reason = reason_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.term:
            self.fields["tier"].queryset = Tier.objects.exclude(pk=self.term.tier_id)  # type: ignore[attr-defined]

    def operate(self, *, actor: User, at: datetime) -> None:
        assert self.term is not None
        data = self.cleaned_data
        terms.change_tier(term_id=self.term.pk, tier=data["tier"], reason=data["reason"], actor=actor, at=at)


class AutoRenewalForm(TermForm):
    """Nothing to fill in; which way is the address's."""

    def __init__(self, *args: Any, on: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on = on

    def operate(self, *, actor: User, at: datetime) -> None:
        terms.switch_auto_renewal(member_id=self.member.pk, on=self.on, actor=actor, at=at)


class RenewalFailureForm(TermForm):
    """Nothing to fill in."""

    def operate(self, *, actor: User, at: datetime) -> None:
        terms.record_renewal_failure(member_id=self.member.pk, actor=actor, at=at)
