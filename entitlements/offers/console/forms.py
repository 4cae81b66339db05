from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.console.fields import MoneyField, TypedNumberField, reason_field
from config.engine.naming import name_of
from entitlements.offers import rules
from entitlements.offers.models import Offer
from entitlements.offers.rules import Step, Terms
from entitlements.offers.words import FAULTS
from members.plans.models import Plan, Tier
from members.segments.models import Segment
from members.terms.orders import refuse_house_order

STEPS_SHOWN = 5
_STEP_PARTS = ("days_away", "amount_cents", "percent", "cap_cents")


class NamedChoicesField(forms.ModelMultipleChoiceField):
    """Plans or tiers under their names in the reader's language; none chosen means all."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.CheckboxSelectMultiple, help_text=_("None: all."), **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return name_of(obj)


def _money(label: Any, **kwargs: Any) -> MoneyField:
    return MoneyField(label=label, required=False, **kwargs)


def _whole(label: Any, most: int, **kwargs: Any) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=0, max_value=most, **kwargs)


def _instant(label: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, required=False, widget=widget)


# The terms, by their names in ``rules.Terms``; a form shows those its kind takes.
TERM_FIELDS: Mapping[str, Any] = {
    "price_cents": lambda: _money(_("Price")),
    "threshold_cents": lambda: _money(_("From a price of")),
    "amount_cents": lambda: _money(_("Amount off")),
    "percent": lambda: _whole(_("Percent off"), 100),
    "cap_cents": lambda: _money(_("At most"), help_text=_("The most a percentage takes off.")),
    "days": lambda: _whole(_("Days of trial more"), rules.MAX_DAYS),
    "bonus_days": lambda: _whole(_("Extra days"), rules.MAX_DAYS, help_text=_("Behind the term that is bought.")),
    "days_away": lambda: _whole(_("Days away, at least"), 3660),
    "cents_per_point": lambda: _money(_("One point pays")),
}
# What a field means to one kind only.
KIND_HINTS: Mapping[tuple[str, str], Any] = {
    (rules.FIRST_PURCHASE, "price_cents"): _("What she pays instead of the plan's price; 0 is free of charge."),
    (rules.PRICE_LOCK, "price_cents"): _("Price lock: empty holds each plan's own price."),
    **{(kind, "amount_cents"): FAULTS["amount_or_percent"] for kind in rules.DISCOUNTS},
}


class OfferForm(forms.Form):
    """One offer of a kind: what it promises, to whom, how long and how much."""

    name = forms.CharField(label=_("Offer name"), max_length=80)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80, required=False)
    code = forms.SlugField(
        label=_("Code"), max_length=32, help_text=_("Programs and segments name the offer by it.")
    )  # fmt: skip
    description = forms.CharField(label=_("Description"), max_length=300, required=False)
    description_zh = forms.CharField(label=_("Chinese description"), max_length=300, required=False)
    plans = NamedChoicesField(label=_("Plans"), queryset=Plan.objects.filter(is_sold=True).select_related("tier"))
    tiers = NamedChoicesField(label=_("Tiers"), queryset=Tier.objects.all())
    valid_from = _instant(_("Valid from"))
    valid_until = _instant(_("Valid until"))
    valid_days = _whole(
        _("Days after issue"), 3660, help_text=_("A coupon ends with her local day so many days after it is issued.")
    )
    per_member = forms.IntegerField(label=_("Coupons per member"), min_value=1, max_value=100, initial=1)
    budget_cents = _money(_("Budget"), help_text=_("No more than this is taken off in all. Empty: no limit."))
    max_coupons = _whole(_("Most coupons"), 10**9, help_text=_("Empty: no limit."))
    code_prefix = forms.SlugField(label=_("Code prefix"), max_length=8, required=False)
    cost_to = forms.CharField(
        label=_("Cost borne by"), max_length=80, required=False, help_text=_("A department or a partner.")
    )
    is_returned_on_refund = forms.BooleanField(label=_("Comes back when the term is refunded"), required=False)

    GROUPS = {
        "words": ("name", "name_zh", "code", "description", "description_zh"),
        "validity": ("valid_from", "valid_until", "valid_days", "per_member", "plans", "tiers"),
        "cost": ("budget_cents", "max_coupons", "cost_to", "code_prefix", "is_returned_on_refund"),
    }

    def __init__(self, *args: Any, kind: str, offer: Offer | None = None, **kwargs: Any) -> None:
        if offer is not None:
            kwargs["initial"] = _initial(offer)
        super().__init__(*args, **kwargs)
        self.kind, self.offer = kind, offer
        self.term_names = [name for name in rules.FIELDS[kind] if name != "steps"]
        for name in self.term_names:
            field = self.fields[name] = TERM_FIELDS[name]()
            field.required = name in rules.REQUIRED.get(kind, ())
            field.error_messages["required"] = FAULTS["needed"]
            field.help_text = KIND_HINTS.get((kind, name), field.help_text)
        if kind == rules.POINTS:
            self.fields["percent"].label = _("Percent of the price, at most")
        if kind == rules.LADDER:
            self._add_steps()

    def _add_steps(self) -> None:
        for n in range(STEPS_SHOWN):
            for part in _STEP_PARTS:
                field = self.fields[f"step_{n}_{part}"] = TERM_FIELDS[part]()
                field.help_text = ""

    def group(self, name: str) -> list[forms.BoundField]:
        return [self[field] for field in self.GROUPS[name]]

    @property
    def words(self) -> list[forms.BoundField]:
        return self.group("words")

    @property
    def validity(self) -> list[forms.BoundField]:
        return self.group("validity")

    @property
    def cost(self) -> list[forms.BoundField]:
        return self.group("cost")

    @property
    def promise(self) -> list[forms.BoundField]:
        return [self[name] for name in self.term_names]

    @property
    def steps(self) -> list[list[forms.BoundField]]:
        """The ladder's rows."""
        rows = range(STEPS_SHOWN) if self.kind == rules.LADDER else ()
        return [[self[f"step_{n}_{part}"] for part in _STEP_PARTS] for n in rows]

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        others = Offer.objects.exclude(pk=self.offer.pk) if self.offer else Offer.objects.all()
        if others.filter(code=code).exists():
            raise forms.ValidationError(gettext("Another offer has this code."))
        return code

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        begins, ends = data.get("valid_from"), data.get("valid_until")
        if not ends and not data.get("valid_days") and not self.errors.keys() & {"valid_until", "valid_days"}:
            self.add_error("valid_days", gettext("Say until when, or for how many days after issue."))
        if begins and ends and ends <= begins:
            self.add_error("valid_until", gettext("The end must be later than the start."))
        # What is left empty hides no other fault; of what cannot be read nothing more is known.
        if all(self.has_error(name, "required") for name in self.errors):
            self.add_faults({name: code for name, code in rules.faults(self.terms()) if name not in self.errors})
        return data

    def add_faults(self, faults: Mapping[str, Any]) -> None:
        """Say at each field what is wrong with the terms."""
        for name, code in faults.items():
            self.add_error(name if name in self.fields else None, str(FAULTS[code]))

    def terms(self) -> Terms:
        """What the form describes, while it is being cleaned or once it is valid."""
        data = self.cleaned_data
        chosen = {name: sorted(row.pk for row in data.get(name) or ()) for name in ("plans", "tiers")}
        own = {name: data.get(name) for name in self.term_names if data.get(name) is not None}
        return Terms.read({"kind": self.kind, "steps": self._steps(), **chosen, **own})

    def _steps(self) -> list[dict[str, int]]:
        if self.kind != rules.LADDER:
            return []
        rows = [{part: self.cleaned_data.get(f"step_{n}_{part}") for part in _STEP_PARTS} for n in range(STEPS_SHOWN)]
        filled = [{name: value for name, value in row.items() if value is not None} for row in rows]
        return [{"days_away": 0, **row} for row in filled if row]

    def columns(self) -> dict[str, Any]:
        """What the operation writes beside the terms."""
        names = [name for group in self.GROUPS.values() for name in group if name not in ("plans", "tiers")]
        return {name: self.cleaned_data[name] for name in names}


def _initial(offer: Offer) -> dict[str, Any]:
    """An offer as its form shows it."""
    names = [name for group in OfferForm.GROUPS.values() for name in group if hasattr(offer, name)]
    found = {name: getattr(offer, name) for name in names}
    found |= {"budget_cents": offer.budget.budget_cents, "max_coupons": offer.budget.max_coupons}
    found |= {name: value for name, value in vars(offer.promise).items() if name != "steps" and name != "kind"}
    for n, step in enumerate(offer.promise.steps):
        found |= {f"step_{n}_{part}": value for part, value in _parts(step).items()}
    return found


def _parts(step: Step) -> dict[str, Any]:
    return {part: getattr(step, part) for part in _STEP_PARTS}


class IssueForm(forms.Form):
    """To which segment an offer goes."""

    segment = forms.ModelChoiceField(
        label=_("Segment"), queryset=Segment.objects.none(), empty_label=_("Choose …"),
        widget=forms.Select(attrs={"data-autosubmit": ""}),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelChoiceField", self.fields["segment"])
        field.queryset = Segment.objects.live().order_by("name")
        field.label_from_instance = name_of  # type: ignore[assignment, method-assign]


class ConfirmedForm(forms.Form):
    """The number of members, typed again."""

    segment = forms.ModelChoiceField(queryset=Segment.objects.live())
    confirm = TypedNumberField(label=_("Number of members"))


class IssueOneForm(forms.Form):
    """One offer for one member, by hand."""

    offer = forms.ModelChoiceField(label=_("Offer"), queryset=Offer.objects.none(), empty_label=_("Choose …"))
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelChoiceField", self.fields["offer"])
        field.queryset = Offer.objects.issuable(at)
        field.label_from_instance = name_of  # type: ignore[assignment, method-assign]


class RedeemForm(forms.Form):
    """The plan a coupon buys, of ``choices`` with what each then costs."""

    plan = forms.TypedChoiceField(label=_("Plan"), widget=forms.RadioSelect, coerce=int)
    order_ref = forms.CharField(
        label=_("Order number"), max_length=120, required=False, validators=[refuse_house_order],
        help_text=_("The same number again books nothing twice."),
    )  # fmt: skip

    def __init__(self, *args: Any, choices: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.TypedChoiceField", self.fields["plan"])
        field.choices = choices
        if len(choices) == 1:
            field.initial = choices[0][0]


class RevokeForm(forms.Form):
    reason = reason_field()
