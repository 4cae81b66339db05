from django import forms
from django.utils.translation import gettext_lazy as _

from members.events.models import EventDefinition, Source, WriteKey
from members.events.scopes import SCOPES


class EventForm(forms.ModelForm):
    """What an event means; the operation writes it."""

    class Meta:
        model = EventDefinition
        fields = ["label", "label_zh", "is_activity", "carries_money", "consumes_benefit"]
        help_texts = {
            "is_activity": _(
                "A change counts the active days of everybody with this event anew and looks at these members again."
            )
        }


class SourceForm(forms.ModelForm):
    """A source's fields; the operation writes them."""

    class Meta:
        model = Source
        fields = ["code", "name", "is_activity_source", "stale_after_hours", "creates_members"]


class WriteKeyForm(forms.Form):
    label = forms.CharField(label=_("Label"), max_length=80, help_text=_("Which program will use it."))
    scopes = forms.MultipleChoiceField(
        label=_("May send"), choices=SCOPES.items, widget=forms.CheckboxSelectMultiple,
        # A key that tracks often lies in a web page, where anybody can read it.
        initial=list(WriteKey.Scope),
    )  # fmt: skip
