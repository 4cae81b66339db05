"""One form per term operation. ``operate`` calls the one operation, to carry it out or to try it.

What it refuses becomes an error of the form.
"""

from collections.abc import Mapping
from datetime import datetime, time
from functools import cached_property
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.console.fields import MoneyField, NamedChoiceField, PlanChoiceField, reason_field
from config.engine import clock
from config.engine.money import project_currency
from config.engine.refusal import Refused, refusal_text
from config.engine.words import REFUSALS as ENGINE_REFUSALS
from config.staff.models import User
from members.people.models import Member
from members.people.rules import at_local
from members.plans.models import Plan, Tier
from members.terms.coupons import HeldCoupon, keeper
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from members.terms.operations.rehearsing import Outlook, rehearse
from members.terms.orders import refuse_house_order
from members.terms.words import REFUSALS

# Stands for a reason that is not written yet, where the operation is only tried.
UNWRITTEN = "…"
REASON = "reason"


class TermForm(forms.Form):
    """A form about ``member`` and, where the operation is about one, a ``term`` of theirs."""

    def __init__(self, *args: Any, member: Member, term: MembershipTerm | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member, self.term = member, term

    def carry_out(self, *, actor: User, at: datetime) -> bool:
        """Do it; returns whether it was done. A refusal is added to the form's errors."""
        try:
            self.operate(self.cleaned_data, actor=actor, at=at)
        except Refused as refused:
            self.add_error(None, self.refusal(refused))
            return False
        return True

    def rehearse(self, *, actor: User, at: datetime, with_reason: bool) -> Outlook:
        """What it would make of the member, by the fields as they are. Raises Refused as the operation does.

        ``with_reason``: as if one were given. One that every such act needs is written last, and never missed here.
        """
        data = dict(self.cleaned_data)
        if with_reason or self._lacks_reason():
            data["reason"] = data.get("reason") or UNWRITTEN
        return rehearse(member_id=self.member.pk, at=at, act=lambda: self.operate(data, actor=actor, at=at))

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
        raise NotImplementedError

    def refusal(self, refused: Refused) -> str:
        """Why it is not done, in words."""
        return refusal_text(refused, REFUSALS, ENGINE_REFUSALS)

    @property
    def lacks(self) -> list[str]:
        """Labels of what has to be filled in before anything can be tried."""
        return [str(self[name].label) for name in self.errors if self.has_error(name, "required") and name != REASON]

    @property
    def faults(self) -> list[str]:
        """What is wrong with what is filled in, in words."""
        return [
            str(error) if name not in self.fields else f"{self[name].label}: {error}"
            for name, errors in self.errors.items()
            if not self.has_error(name, "required")
            for error in errors
        ]

    def _lacks_reason(self) -> bool:
        return REASON in self.fields and self.has_error(REASON, "required")


def _external_ref() -> forms.CharField:
    return forms.CharField(
        label=_("Order number"),
        max_length=120,
        required=False,
        validators=[refuse_house_order],
        help_text=_("The same number again books nothing twice."),
    )


class CouponField(forms.TypedChoiceField):
    """One of the coupons the member holds, or none."""

    def __init__(self) -> None:
        super().__init__(label=_("Coupon"), required=False, coerce=int, empty_value=None, widget=forms.RadioSelect)


class PaymentForm(TermForm):
    """What is paid for: a plan at its price, at what a coupon makes of it, or at an amount that is typed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choose_plans()
        price: Any = self.fields["price"]
        price.currency = self._currency
        coupon: Any = self.fields["coupon"]
        coupon.choices = [("", _("Without a coupon")), *((held.pk, held.name) for held in self.held)]

    def choose_plans(self) -> None:
        """Narrow or widen the plans to choose from."""

    @cached_property
    def paid_plan(self) -> Plan | None:
        """The plan that is paid for as the form stands, else None."""
        return self._plan_chosen()

    def _plan_chosen(self) -> Plan | None:
        field: Any = self.fields["plan"]
        try:
            plan: Plan | None = field.to_python(self["plan"].value())
        except ValidationError:
            return None
        return plan

    @cached_property
    def held(self) -> list[HeldCoupon]:
        """The coupons the member holds, with what each makes of the plan's price."""
        coupons = keeper()
        return coupons.held(self.member.pk, self.paid_plan, clock.now()) if coupons and self.paid_plan else []

    @property
    def chosen(self) -> HeldCoupon | None:
        """The coupon that is chosen as the form stands."""
        value = str(self["coupon"].value() or "")
        return next((held for held in self.held if str(held.pk) == value), None)

    @property
    def offered(self) -> list[HeldCoupon]:
        """The coupons that can be chosen: those that apply, and the chosen one in any case."""
        return [held for held in self.held if not held.refusal or held == self.chosen]

    @property
    def unfit(self) -> list[HeldCoupon]:
        """The others, each with the reason why it does not apply."""
        return [held for held in self.held if held not in self.offered]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("coupon") and data.get("price") is not None:
            self.add_error("price", gettext("The coupon gives the price: leave this empty, or choose no coupon."))
        return data

    def refusal(self, refused: Refused) -> str:
        coupons = keeper()
        if coupons and self.cleaned_data.get("coupon"):
            return coupons.refusal_text(refused)
        return super().refusal(refused)

    def _buy_with_coupon(self, data: Mapping[str, Any], plan: Plan, *, actor: User, at: datetime) -> None:
        coupons = keeper()
        assert coupons is not None
        coupons.buy(
            member_id=self.member.pk,
            coupon_id=data["coupon"],
            plan=plan,
            external_ref=data["external_ref"] or None,
            starts_at=self._not_before(data),
            auto_renewal=data.get("auto_renewal"),
            actor=actor,
            at=at,
        )

    def _not_before(self, data: Mapping[str, Any]) -> datetime | None:
        zone = self.member.lifecycle.time_zone or settings.PROJECT_TIME_ZONE
        return at_local(data["starts_at"], time(0), zone) if data.get("starts_at") else None

    def _currency(self, _form: forms.BaseForm) -> str:
        return self.paid_plan.currency if self.paid_plan else project_currency()


class PurchaseForm(PaymentForm):
    plan = PlanChoiceField(label=_("Plan"), queryset=Plan.objects.filter(is_sold=True))
    coupon = CouponField()
    price = MoneyField(label=_("Price paid"), required=False, help_text=_("Empty: the plan's price."))
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

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
        if data["coupon"]:
            self._buy_with_coupon(data, data["plan"], actor=actor, at=at)
            return
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


class RenewForm(PaymentForm):
    plan = PlanChoiceField(label=_("Plan"), queryset=Plan.objects.none(), required=False)
    coupon = CouponField()
    price = MoneyField(
        label=_("Price paid"),
        required=False,
        help_text=_("Empty: what was agreed with the member, else the plan's price."),
    )
    external_ref = _external_ref()

    def choose_plans(self) -> None:
        plan: Any = self.fields["plan"]
        plan.queryset = Plan.objects.filter(Q(is_sold=True) | Q(pk=self.renewed and self.renewed.pk))
        if self.renewed:
            plan.empty_label, plan.initial = None, self.renewed.pk

    @cached_property
    def renewed(self) -> Plan | None:
        """The plan that is renewed where none is named; None when there is nothing to renew."""
        try:
            return terms.renewed_plan(self.member.pk, clock.now())
        except Refused:
            return None

    @cached_property
    def paid_plan(self) -> Plan | None:
        return self._plan_chosen() or self.renewed

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
        if data["coupon"]:
            plan = data["plan"] or terms.renewed_plan(self.member.pk, at)
            self._buy_with_coupon(data, plan, actor=actor, at=at)
            return
        terms.renew_membership(
            member_id=self.member.pk,
            plan=data["plan"],
            price_cents=data["price"],
            external_ref=data["external_ref"] or None,
            actor=actor,
            at=at,
        )


class TrialForm(TermForm):
    plan = NamedChoiceField(label=_("Plan"), queryset=Plan.objects.filter(is_sold=True, trial_days__gt=0))

    reason = reason_field(required=False)

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
        terms.start_trial(member_id=self.member.pk, plan=data["plan"], reason=data["reason"], actor=actor, at=at)


class GiftForm(TermForm):
    plan = NamedChoiceField(label=_("Plan"), queryset=Plan.objects.all())
    starts_now = forms.BooleanField(
        label=_("Start now"), required=False, help_text=_("What runs waits behind it. Not below the tier that runs.")
    )
    external_ref = _external_ref()

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
        terms.give_term(
            member_id=self.member.pk,
            plan=data["plan"],
            starts_now=data["starts_now"],
            external_ref=data["external_ref"] or None,
            actor=actor,
            at=at,
        )


class CompensateForm(TermForm):
    days = forms.IntegerField(label=_("Days"), min_value=1, max_value=366, initial=3)
    reason = reason_field()

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
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

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
        assert self.term is not None
        terms.refund_term(term_id=self.term.pk, amount_cents=data["amount"], reason=data["reason"], actor=actor, at=at)


class VoidForm(TermForm):
    reason = reason_field()

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
        assert self.term is not None
        terms.void_term(term_id=self.term.pk, reason=data["reason"], actor=actor, at=at)


class ChangeTierForm(TermForm):
    tier = NamedChoiceField(label=_("Tier"), queryset=Tier.objects.all())
    reason = reason_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.term:
            self.fields["tier"].queryset = Tier.objects.exclude(pk=self.term.tier_id)  # type: ignore[attr-defined]

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
        assert self.term is not None
        terms.change_tier(term_id=self.term.pk, tier=data["tier"], reason=data["reason"], actor=actor, at=at)


class AutoRenewalForm(TermForm):
    """Nothing to fill in; which way is the address's."""

    def __init__(self, *args: Any, on: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on = on

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
        terms.switch_auto_renewal(member_id=self.member.pk, on=self.on, actor=actor, at=at)


class RenewalFailureForm(TermForm):
    """Nothing to fill in."""

    def operate(self, data: Mapping[str, Any], *, actor: User, at: datetime) -> None:
        terms.record_renewal_failure(member_id=self.member.pk, actor=actor, at=at)
