"""What the list of messages can be narrowed by; each field of the address calls one queryset method."""

from datetime import date, timedelta

import django_filters as filters
from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.lifecycle import ChannelCode, Reason, Status
from campaigns.models import Campaign, MessageIntent
from campaigns.querysets.messages import MessageIntentQuerySet
from campaigns.steps import STEPS, step_label
from config.engine.clock import midnight
from config.engine.naming import Named, name_of

ANY = _("Any")


class NamedChoiceField(filters.fields.ModelChoiceField):
    """Campaigns under their names in the reader's language."""

    def label_from_instance(self, obj: Named) -> str:
        return name_of(obj)


class NamedChoiceFilter(filters.ModelChoiceFilter):
    field_class = NamedChoiceField


class MessageFilter(filters.FilterSet):
    """The query form of the list. ``status`` is set by the tabs, ``member`` by a member's page."""

    q = filters.CharFilter(method="search", label=_("Member: name, phone, email or number"), max_length=100)
    campaign = NamedChoiceFilter(
        method="of_campaign", queryset=Campaign.objects.all(), label=_("Campaign"), empty_label=ANY
    )
    step = filters.ChoiceFilter(
        method="of_step", choices=lambda: [(step, step_label(step)) for step in STEPS], label=_("Step"), empty_label=ANY
    )
    channel = filters.ChoiceFilter(
        method="on_channel", choices=[(c.value, c.label) for c in (ChannelCode.EMAIL, ChannelCode.IN_APP)],
        label=_("Channel"), empty_label=ANY,
    )  # fmt: skip
    due_from = filters.DateFilter(
        method="due_since", label=_("Due from"), widget=forms.DateInput(attrs={"type": "date"})
    )
    due_to = filters.DateFilter(
        method="due_until", label=_("Due until"), widget=forms.DateInput(attrs={"type": "date"})
    )
    reason = filters.ChoiceFilter(method="because", choices=Reason.choices, label=_("Reason"), empty_label=ANY)
    status = filters.ChoiceFilter(
        method="with_status", choices=Status.choices, label=_("Status"), widget=forms.HiddenInput
    )
    member = filters.NumberFilter(
        method="to_member", label=_("Member"), min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput
    )

    class Meta:
        model = MessageIntent
        fields: list[str] = []

    def search(self, rows: MessageIntentQuerySet, name: str, value: str) -> MessageIntentQuerySet:
        return rows.to_members_like(value)

    def of_campaign(self, rows: MessageIntentQuerySet, name: str, value: Campaign) -> MessageIntentQuerySet:
        return rows.of_campaign(value)

    def of_step(self, rows: MessageIntentQuerySet, name: str, value: str) -> MessageIntentQuerySet:
        return rows.of_step(value)

    def on_channel(self, rows: MessageIntentQuerySet, name: str, value: str) -> MessageIntentQuerySet:
        return rows.on_channel(value)

    def due_since(self, rows: MessageIntentQuerySet, name: str, value: date) -> MessageIntentQuerySet:
        return rows.due_from(midnight(value))

    def due_until(self, rows: MessageIntentQuerySet, name: str, value: date) -> MessageIntentQuerySet:
        # No message is due after the last day there is.
        return rows if value == date.max else rows.due_before(midnight(value + timedelta(days=1)))

    def because(self, rows: MessageIntentQuerySet, name: str, value: str) -> MessageIntentQuerySet:
        return rows.because(value)

    def with_status(self, rows: MessageIntentQuerySet, name: str, value: str) -> MessageIntentQuerySet:
        return rows.with_status(value)

    def to_member(self, rows: MessageIntentQuerySet, name: str, value: int) -> MessageIntentQuerySet:
        return rows.to_member(int(value))
