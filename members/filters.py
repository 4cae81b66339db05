"""What the members list can be narrowed by; each field of the address calls one queryset method."""

from datetime import date, timedelta

import django_filters as filters
from django import forms
from django.utils.translation import gettext_lazy as _

from config.staff import clock
from members.lifecycle import RESUMABLE, MembershipStatus, State
from members.models import Member, MemberTag, Plan, Segment, SweepBrake, Tier
from members.naming import Named, name_of
from members.querysets.people import MemberQuerySet
from members.rules import local_date
from members.value.groups import BAND_BOUNDS, Band, Group

ANY = _("Any")
# In ``moved``: any of the states under a live term.
LIVE = "live"
YES_NO = [("on", _("On")), ("off", _("Off"))]


class NamedChoiceField(filters.fields.ModelChoiceField):
    """Plans and tiers under their names in the reader's language."""

    def label_from_instance(self, obj: Named) -> str:
        return name_of(obj)


class NamedChoiceFilter(filters.ModelChoiceFilter):
    field_class = NamedChoiceField


class MemberFilter(filters.FilterSet):
    """The query form of the list. ``state`` is set by the tabs, ``from``/``to`` and ``brake`` by links elsewhere."""

    q = filters.CharFilter(method="search", label=_("Name, phone, email or number"), max_length=100)
    state = filters.ChoiceFilter(method="in_state", choices=State.choices, label=_("Lifecycle state"), empty_label=ANY)
    plan = NamedChoiceFilter(method="on_plan", queryset=Plan.objects.all(), label=_("Plan"), empty_label=ANY)
    expires = filters.TypedChoiceFilter(
        method="expires_within",
        coerce=int,
        empty_value=None,
        label=_("Expires"),
        choices=[("", ANY), (1, _("Today")), (3, _("In 3 days")), (7, _("In 7 days")), (30, _("In 30 days"))],
    )
    auto = filters.ChoiceFilter(method="auto_renewing", choices=YES_NO, label=_("Auto-renewal"), empty_label=ANY)
    tier = NamedChoiceFilter(method="of_tier", queryset=Tier.objects.all(), label=_("Tier"), empty_label=ANY)
    status = filters.ChoiceFilter(
        method="with_status", choices=MembershipStatus.choices, label=_("Membership status"), empty_label=ANY
    )
    tag = filters.ChoiceFilter(method="tagged", choices=MemberTag.Code.choices, label=_("Tag"), empty_label=ANY)
    rfm = filters.TypedChoiceFilter(
        method="in_rfm_group", coerce=int, empty_value=None, choices=[("", ANY), *Group.choices], label=_("RFM group")
    )
    risk = filters.ChoiceFilter(method="at_risk", choices=Band.choices, label=_("Churn risk"), empty_label=ANY)
    mature = filters.ChoiceFilter(
        method="is_mature", choices=[("on", _("Yes")), ("off", _("No"))], label=_("Mature"), empty_label=ANY
    )
    channel = filters.CharFilter(method="from_channel", label=_("Source channel"), max_length=80)
    demo = filters.ChoiceFilter(method="is_demo", choices=YES_NO, label=_("Demo data"), empty_label=ANY)
    expires_from = filters.DateFilter(method="expires_between", label=_("Expires from"), widget=forms.HiddenInput)
    expires_to = filters.DateFilter(method="expires_between", label=_("Expires until"), widget=forms.HiddenInput)
    anomaly = filters.ChoiceFilter(
        method="is_anomaly", choices=[("on", _("Only anomalies"))], label=_("Anomalies"), widget=forms.HiddenInput
    )
    brake = filters.ModelChoiceFilter(
        method="held_by", queryset=SweepBrake.objects.all(), label=_("Held by brake"), widget=forms.HiddenInput
    )
    segment = NamedChoiceFilter(
        method="in_segment", queryset=Segment.objects.all(), label=_("Segment"), widget=forms.HiddenInput
    )
    moved = filters.CharFilter(method="moved_between", label=_("Moved"), max_length=40, widget=forms.HiddenInput)

    class Meta:
        model = Member
        fields: list[str] = []

    def __init__(self, *args: object, zone: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.at = clock.now()
        self.today = local_date(self.at, zone)

    def search(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.search(value)

    def in_state(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.in_state(value)

    def on_plan(self, rows: MemberQuerySet, name: str, value: Plan) -> MemberQuerySet:
        return rows.on_plan(value, self.at)

    def expires_within(self, rows: MemberQuerySet, name: str, value: int) -> MemberQuerySet:
        return rows.expiring_on(self.today, self.today + timedelta(days=value - 1))

    def expires_between(self, rows: MemberQuerySet, name: str, value: date) -> MemberQuerySet:
        first, last = (self.form.cleaned_data.get(key) for key in ("expires_from", "expires_to"))
        # Both ends are applied once, by whichever comes first.
        if name == "expires_to" and first:
            return rows
        return rows.expiring_on(first or last, last or first)

    def auto_renewing(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.auto_renewing(value == "on")

    def of_tier(self, rows: MemberQuerySet, name: str, value: Tier) -> MemberQuerySet:
        return rows.of_tier(value)

    def with_status(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.with_status(value)

    def tagged(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.tagged(value)

    def in_rfm_group(self, rows: MemberQuerySet, name: str, value: int) -> MemberQuerySet:
        return rows.in_rfm_group(value)

    def at_risk(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.at_risk(*BAND_BOUNDS[value])

    def is_mature(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.mature(value == "on")

    def from_channel(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.from_channel(value)

    def is_demo(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.demo(value == "on")

    def is_anomaly(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.anomalous()

    def held_by(self, rows: MemberQuerySet, name: str, value: SweepBrake) -> MemberQuerySet:
        return rows.held_by(value.pk)

    def in_segment(self, rows: MemberQuerySet, name: str, value: Segment) -> MemberQuerySet:
        return rows.in_segment(value)

    def moved_between(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        """``from.to.days``, as the arrows of the first page ask."""
        source, target, days = (*value.split("."), "", "", "")[:3]
        targets = RESUMABLE if target == LIVE else [target]
        if source not in State.values or not set(targets) <= set(State.values) or not days.isdecimal():
            return rows.none()
        return rows.moved(source, targets, self.at - timedelta(days=min(int(days), 366)))
