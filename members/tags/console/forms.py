from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.engine.naming import event_label, name_of
from members.events.models import EventDefinition
from members.tags.generators import Generator, OfChannel, OfEvent
from members.tags.models import Tag


class TagForm(forms.Form):
    """What a tag is called, what it looks like, and what to do about who carries it."""

    name = forms.CharField(label=_("Tag name"), max_length=80)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80, required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=Tag.Kind.choices, initial=Tag.Kind.CUSTOM)
    tone = forms.ChoiceField(label=_("Colour"), choices=Tag.Tone.choices, required=False)
    description = forms.CharField(label=_("What it means"), max_length=300, required=False)
    action = forms.CharField(label=_("Suggested action"), max_length=300, required=False)
    action_zh = forms.CharField(label=_("Suggested action in Chinese"), max_length=300, required=False)
    reason = forms.CharField(label=_("Why this change"), max_length=200, required=False)

    @classmethod
    def of(cls, tag: Tag) -> "TagForm":
        return cls(initial=cls.words_of(tag))

    @classmethod
    def words_of(cls, tag: Tag) -> dict[str, Any]:
        return {name: getattr(tag, name) for name in cls.base_fields if name != "reason" and hasattr(tag, name)}


class ValuesForm(TagForm):
    """A tag for each value: of the source channel, or of an event's property."""

    CHANNEL = "channel"
    EVENT = "event"

    values_of = forms.ChoiceField(
        label=_("Values of"),
        choices=[(EVENT, _("A property of an event")), (CHANNEL, _("The source channel"))],
        initial=EVENT,
    )
    event = forms.ModelChoiceField(
        label=_("Event"),
        queryset=EventDefinition.objects.all(),
        to_field_name="name",
        required=False,
        empty_label=_("Choose …"),
    )
    property = forms.CharField(label=_("Property"), max_length=80, required=False)
    at_least = forms.IntegerField(label=_("At least so many times"), min_value=1, max_value=1000, initial=3)
    days = forms.IntegerField(label=_("Within so many days"), min_value=1, max_value=400, initial=30)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["event"].label_from_instance = event_label  # type: ignore[attr-defined]
        self.fields["kind"].initial = Tag.Kind.INTEREST

    @classmethod
    def of(cls, tag: Tag) -> "ValuesForm":
        found = dict(tag.generator or {})
        return cls(initial={**cls.words_of(tag), "values_of": found.pop("type"), **found})

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("values_of") == self.EVENT:
            for name in ("event", "property"):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, _("This is needed."))
        return data

    def generator(self) -> Generator:
        """What the valid form describes."""
        data = self.cleaned_data
        if data["values_of"] == self.CHANNEL:
            return OfChannel(type="channel")
        return OfEvent(
            type="event", event=data["event"].name, property=data["property"], at_least=data["at_least"],
            days=data["days"],
        )  # fmt: skip

    def words(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in TagForm.base_fields}


class SwitchForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)


class GiveForm(forms.Form):
    """One tag for one member, by hand."""

    tag = forms.ModelChoiceField(label=_("Tag"), queryset=Tag.objects.none(), empty_label=_("Choose …"))
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)

    def __init__(self, *args: Any, carried: Any = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tags: Any = self.fields["tag"]
        tags.queryset = Tag.objects.given_by_hand().exclude(code__in=carried)
        tags.label_from_instance = name_of


class TakeForm(forms.Form):
    tag = forms.ModelChoiceField(queryset=Tag.objects.all())
