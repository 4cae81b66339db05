"""Form fields of the domain: money as people write it, plans and tiers under their names."""

import re
from collections.abc import Callable
from typing import Any
from unicodedata import normalize

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.engine.money import (
    MAX_MINOR,
    known_currencies,
    money_text,
    plain_text,
    project_currency,
    to_major,
    to_minor,
)
from config.engine.naming import Named, name_of
from config.engine.refusal import Refused, refusal_text
from config.engine.words import REFUSALS

# The currency of a form's amounts: fixed, or read from the form.
CurrencyOf = str | Callable[[forms.BaseForm], str] | None


class MoneyField(forms.Field):
    """An amount in major units as typed (``268`` or ``268.50``), cleaned to integer minor units of its currency.

    ``currency`` is a code, a function of the form (``typed_currency``, ``plan_currency``), or None: the project's own.
    A number it is given to show is minor units, and ``most`` too.
    """

    widget = forms.NumberInput

    def __init__(self, *, currency: CurrencyOf = None, most: int = MAX_MINOR, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Amount"))
        super().__init__(**kwargs)
        self.currency, self.most = currency, most
        self.form: forms.BaseForm | None = None

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> forms.BoundField:
        self.form = form
        # Where the currency is chosen in the form itself, its decimals are not known yet.
        step = "any" if callable(self.currency) else f"{to_major(1, self.currency_now()):f}"
        self.widget.attrs |= {"inputmode": "decimal", "min": "0", "step": step}
        return super().get_bound_field(form, field_name)

    def currency_now(self) -> str:
        """The currency by which the amount is read and shown."""
        if callable(self.currency):
            assert self.form is not None
            return self.currency(self.form)
        return self.currency or project_currency()

    def to_python(self, value: Any) -> int | None:
        if value in self.empty_values:
            return None
        try:
            return to_minor(str(value), self.currency_now(), most=self.most)
        except Refused as refused:
            raise ValidationError(refusal_text(refused, REFUSALS), refused.code) from refused

    def prepare_value(self, value: Any) -> Any:
        # Minor units from the model; a string is what the viewer typed and stays as it is.
        return plain_text(value, self.currency_now()) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(initial != self.to_python(data))
        except ValidationError:
            return True


class CurrencyField(forms.CharField):
    """A currency by its three-letter code, one that is known; cleaned to upper case."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Currency"))
        super().__init__(max_length=3, **kwargs)

    def clean(self, value: Any) -> str:
        currency: str = super().clean(value).upper()
        if currency and currency not in known_currencies():
            raise ValidationError(
                gettext("No such currency. Write its three-letter code, like CNY."), "unknown_currency"
            )
        return currency


def typed_currency(name: str) -> Callable[[forms.BaseForm], str]:
    """The currency in another field of the form; one that is not known makes the amount unreadable too."""
    return lambda form: str(form[name].value() or "").strip().upper()


def plan_currency(name: str) -> Callable[[forms.BaseForm], str]:
    """The currency of the plan chosen in another field of the form; the project's while none is."""

    def currency(form: forms.BaseForm) -> str:
        try:
            plan = form.fields[name].to_python(form[name].value())
        except ValidationError:
            plan = None
        return plan.currency if plan else project_currency()

    return currency


class TypedNumberField(forms.IntegerField):
    """A number typed again to confirm an act, read as the page reads it: "7,043" and full-width digits count."""

    def to_python(self, value: Any) -> int | None:
        return super().to_python(re.sub(r"\D", "", normalize("NFKC", value or "")))


class NamedChoiceField(forms.ModelChoiceField):
    """Plans and tiers under their names in the reader's language."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("empty_label", _("Choose one"))
        super().__init__(*args, **kwargs)

    def label_from_instance(self, obj: Named) -> str:
        return name_of(obj)


class PlanChoiceField(NamedChoiceField):
    """Plans with their price."""

    def label_from_instance(self, obj: Any) -> str:
        price = money_text(obj.price_cents, obj.currency or project_currency())
        return f"{name_of(obj)} · {price}"


def reason_field(**kwargs: Any) -> forms.CharField:
    """Why something is done: kept in the audit log."""
    kwargs.setdefault("label", _("Reason"))
    kwargs.setdefault("help_text", _("Kept in the audit log; no personal data, please."))
    return forms.CharField(max_length=500, strip=True, widget=forms.Textarea(attrs={"rows": 3}), **kwargs)
