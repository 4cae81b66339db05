"""One form per term operation. ``carry_out`` calls the one operation; what it refuses becomes an error of the form."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.console.fields import MoneyField, NamedChoiceField, PlanChoiceField, plan_currency, reason_field
from config.engine import clock
from config.engine.refusal import Refused, refusal_text
from config.staff.models import User
from members.people.models import Member
from members.people.rules import at_local
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm
from members.terms.operations import foreseeing, terms
from members.terms.operations.foreseeing import Stretch
from members.terms.orders import refuse_house_order
from members.terms.words import REFUSALS


class TermForm(forms.Form):
    """A form about ``member`` and, where the operation is about one, a ``term`` of theirs."""

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

    def foresee(self, data: Mapping[str, Any], at: datetime) -> list[Stretch] | None:
        """What will run until when and what waits, by the valid fields in ``data``; None where that does not change."""
        return None


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
    starts_at = forms.DateField(
        label=_("Not before"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Only where the order itself gives a day. Empty: as the queue says."),
    )
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
            starts_at=self._not_before(data),
            actor=actor,
            at=at,
        )

    def foresee(self, data: Mapping[str, Any], at: datetime) -> list[Stretch] | None:
        if data.get("plan") is None:
            return None
        return foreseeing.foresee_purchase(
            member_id=self.member.pk, plan=data["plan"], at=at, starts_at=self._not_before(data)
        )

    def _not_before(self, data: Mapping[str, Any]) -> datetime | None:
        zone = self.member.lifecycle.time_zone or settings.PROJECT_TIME_ZONE
        return at_local(data["starts_at"], time(0), zone) if data.get("starts_at") else None


class RenewForm(TermForm):
    price = MoneyField(label=_("Price paid"), required=False, help_text=_("Empty: the plan's price."))
    external_ref = _external_ref()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        price: Any = self.fields["price"]
        try:
            price.currency = terms.renewed_plan(self.member.pk, clock.now()).currency
        except Refused:
            # Nothing to renew: the form says so when it is sent.
            return

    def operate(self, *, actor: User, at: datetime) -> None:
        data = self.cleaned_data
        terms.renew_membership(
            member_id=self.member.pk,
            price_cents=data["price"],
            external_ref=data["external_ref"] or None,
            actor=actor,
            at=at,
        )

    def foresee(self, data: Mapping[str, Any], at: datetime) -> list[Stretch] | None:
        return foreseeing.foresee_renewal(member_id=self.member.pk, at=at)


class TrialForm(TermForm):
    plan = NamedChoiceField(label=_("Plan"), queryset=Plan.objects.filter(is_sold=True, trial_days__gt=0))

    reason = reason_field(required=False)

    def operate(self, *, actor: User, at: datetime) -> None:
        data = self.cleaned_data
        terms.start_trial(member_id=self.member.pk, plan=data["plan"], reason=data["reason"], actor=actor, at=at)


class GiftForm(TermForm):
    plan = NamedChoiceField(label=_("Plan"), queryset=Plan.objects.all())
    starts_now = forms.BooleanField(
        label=_("Start now"), required=False, help_text=_("What runs waits behind it. Not below the tier that runs.")
    )
    external_ref = _external_ref()

    def operate(self, *, actor: User, at: datetime) -> None:
        data = self.cleaned_data
        terms.give_term(
            member_id=self.member.pk,
            plan=data["plan"],
            starts_now=data["starts_now"],
            external_ref=data["external_ref"] or None,
            actor=actor,
            at=at,
        )

    def foresee(self, data: Mapping[str, Any], at: datetime) -> list[Stretch] | None:
        if data.get("plan") is None:
            return None
        starts_now = bool(data.get("starts_now"))
        return foreseeing.foresee_gift(member_id=self.member.pk, plan=data["plan"], at=at, starts_now=starts_now)


class CompensateForm(TermForm):
    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=366, initial=3)
    reason = reason_field()

    def operate(self, *, actor: User, at: datetime) -> None:
        data = self.cleaned_data
        terms.compensate(member_id=self.member.pk, days=data["days"], reason=data["reason"], actor=actor, at=at)


class RefundForm(TermForm):
    amount = MoneyField(
        label=_("Amount"), required=False, help_text=_("Empty: all that is left. Less than that moves no date.")
    )
    reason = reason_field(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        amount: Any = self.fields["amount"]
        amount.currency = self.term.currency if self.term else None
        late = terms.late_refunds(self.member.pk)
        if self.term and terms.is_late(self.term.origin or self.term, clock.now()):
            text = gettext("A late refund asks for a reason; the member had %(n)s before.")
            self.fields["reason"].help_text = text % {"n": late}

    def operate(self, *, actor: User, at: datetime) -> None:
        assert self.term is not None
        data = self.cleaned_data
        terms.refund_term(term_id=self.term.pk, amount_cents=data["amount"], reason=data["reason"], actor=actor, at=at)

    def foresee(self, data: Mapping[str, Any], at: datetime) -> list[Stretch] | None:
        assert self.term is not None
        first = self.term.origin or self.term
        amount = data.get("amount")
        if amount is not None and amount < first.price_cents - first.refunded_cents:
            return None
        return foreseeing.foresee_without(term=self.term, at=at, is_void=False)


class VoidForm(TermForm):
    reason = reason_field()

    def operate(self, *, actor: User, at: datetime) -> None:
        assert self.term is not None
        terms.void_term(term_id=self.term.pk, reason=self.cleaned_data["reason"], actor=actor, at=at)

    def foresee(self, data: Mapping[str, Any], at: datetime) -> list[Stretch] | None:
        assert self.term is not None
        return foreseeing.foresee_without(term=self.term, at=at, is_void=True)


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

    def foresee(self, data: Mapping[str, Any], at: datetime) -> list[Stretch] | None:
        if self.term is None or data.get("tier") is None:
            return None
        return foreseeing.foresee_tier(term=self.term, tier=data["tier"], at=at)


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
