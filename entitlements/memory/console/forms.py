from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from entitlements.memory.models import RestoreRule
from entitlements.memory.operations.rules import FIELDS

PARTS = ("restores_tier", "restores_unlocked", "restores_remaining", "restores_points")


class RuleForm(forms.ModelForm):
    """What is restored, and on which return; it only validates: the operation writes."""

    class Meta:
        model = RestoreRule
        fields = [*FIELDS, "note"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].required = True

    def clean(self) -> dict[str, object]:
        found = super().clean() or {}
        if found.get("mode") != RestoreRule.Mode.NOTHING:
            if not any(found.get(part) for part in PARTS):
                self.add_error(None, _("Choose at least one thing to restore, or restore nothing."))
            if not (found.get("on_purchase") or found.get("on_gift")):
                self.add_error(None, _("Choose at least one kind of return, or restore nothing."))
        return found

    def validate_constraints(self) -> None:
        """A draft is never the active one, of which there can be only one."""

    @property
    def values(self) -> dict[str, Any]:
        """What the operations take."""
        return self.cleaned_data
