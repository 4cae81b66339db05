"""Form fields of the domain: plans and tiers under their names, beside those every app has."""

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from config.staff.fields import MAX_CENTS, MoneyField, reason_field
from members.naming import Named, name_of

__all__ = ["MAX_CENTS", "MoneyField", "NamedChoiceField", "PlanChoiceField", "reason_field"]


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
        amount = f"{Decimal(obj.price_cents) / 100:,.2f}".removesuffix(".00")
        return f"{name_of(obj)} · {obj.currency or settings.PROJECT_CURRENCY} {amount}"
