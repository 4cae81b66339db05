"""Form fields of the domain: money as people write it, plans and tiers under their names."""

import re
from decimal import Decimal
from typing import Any
from unicodedata import normalize

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from config.console.figures import money_text
from config.engine.naming import Named, name_of

MAX_CENTS = 10**13


class MoneyField(forms.DecimalField):
    """An amount in major units as typed (``268`` or ``268.00``), cleaned to integer minor units."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 0)
        kwargs.setdefault("label", _("Amount"))
        super().__init__(decimal_places=2, max_digits=13, **kwargs)
        self.widget.attrs["inputmode"] = "decimal"

    def clean(self, value: Any) -> int | None:
        amount = super().clean(value)
        return None if amount is None else int(amount * 100)

    def prepare_value(self, value: Any) -> Any:
        # Minor units from the model; a string is what the viewer typed and stays as it is.
        return Decimal(value) / 100 if isinstance(value, int) else value


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
        price = money_text(obj.price_cents, obj.currency or settings.PROJECT_CURRENCY)
        return f"{name_of(obj)} · {price}"


def reason_field(**kwargs: Any) -> forms.CharField:
    """Why something is done: kept in the audit log."""
    kwargs.setdefault("label", _("Reason"))
    kwargs.setdefault("help_text", _("Kept in the audit log; no personal data, please."))
    return forms.CharField(max_length=500, strip=True, widget=forms.Textarea(attrs={"rows": 3}), **kwargs)
