"""What the members list can be narrowed by; each field of the address calls one queryset method."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import django_filters as filters
from django import forms
from django.utils.translation import gettext_lazy as _

from config.engine import clock
from config.engine.ids import read_id, read_number
from config.engine.naming import Named, name_of
from members.lifecycle.lifecycle import RESUMABLE, MembershipStatus, State
from members.lifecycle.models import SweepBrake
from members.people.models import Member
from members.people.querysets.people import MemberQuerySet
from members.people.rules import end_of_day, local_date
from members.plans.models import Plan, Tier
from members.segments.compiler import members_of
from members.segments.dimensions import Dimension, narrowing_of
from members.segments.dimensions import columns as dimension_columns
from members.segments.models import Segment
from members.segments.schema import RuleInvalid, read_rule_text
from members.tags.models import Tag
from members.value.groups import BAND_BOUNDS, Band, Group

ANY = _("Any")
# In ``moved``: any of the states under a live term.
LIVE = "live"
MOST_DAYS = 366
NAMES = ("name", "name_zh")
YES_NO = [("on", _("On")), ("off", _("Off"))]


def _words_of(dimension: Dimension) -> list[tuple[str, Any]]:
    return list(dimension.words().items())


class NamedChoices(filters.fields.ModelChoiceIterator):
    """Read in one statement. Django opens a cursor in the database for them, which takes three."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        yield "", self.field.empty_label
        yield from map(self.choice, self.queryset.all())


class NamedChoiceField(filters.fields.ModelChoiceField):
    """Plans, tiers and tags under their names in the reader's language, after one for any."""

    iterator = NamedChoices

    def label_from_instance(self, obj: Named) -> str:
        return name_of(obj)


class NamedChoiceFilter(filters.ModelChoiceFilter):
    field_class = NamedChoiceField


class MemberFilter(filters.FilterSet):
    """The query form of the list. ``state`` is set by the tabs, ``from``/``to`` and ``brake`` by links elsewhere."""

    q = filters.CharFilter(method="search", label=_("Name, phone, email or number"), max_length=100)
    state = filters.ChoiceFilter(method="in_state", choices=State.choices, label=_("Lifecycle state"), empty_label=ANY)
    plan = NamedChoiceFilter(method="on_plan", queryset=Plan.objects.only(*NAMES), label=_("Plan"), empty_label=ANY)
    expires = filters.TypedChoiceFilter(
        method="expires_within",
        coerce=int,
        empty_value=None,
        label=_("Expires"),
        choices=[("", ANY), (0, _("Today")), (3, _("In 3 days")), (7, _("In 7 days")), (30, _("In 30 days"))],
    )
    auto = filters.ChoiceFilter(method="auto_renewing", choices=YES_NO, label=_("Auto-renewal"), empty_label=ANY)
    tier = NamedChoiceFilter(method="of_tier", queryset=Tier.objects.only(*NAMES), label=_("Tier"), empty_label=ANY)
    status = filters.ChoiceFilter(
        method="with_status", choices=MembershipStatus.choices, label=_("Membership status"), empty_label=ANY
    )
    tag = NamedChoiceFilter(
        method="tagged",
        queryset=Tag.objects.offered().only("code", *NAMES),
        to_field_name="code",
        label=_("Tag"),
        empty_label=ANY,
    )
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
    segments = filters.CharFilter(
        method="in_combination", label=_("Segments"), max_length=120, widget=forms.HiddenInput
    )
    was_in = filters.CharFilter(method="in_segment_then", label=_("Was in"), max_length=40, widget=forms.HiddenInput)
    by = filters.CharFilter(method="with_value", label=_("With"), max_length=240, widget=forms.HiddenInput)
    rule = filters.CharFilter(method="meeting", label=_("Unsaved rule"), widget=forms.HiddenInput)
    moved = filters.CharFilter(method="moved_between", label=_("Moved"), max_length=40, widget=forms.HiddenInput)

    class Meta:
        model = Member
        fields: list[str] = []

    def __init__(self, *args: object, zone: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.at, self.zone = clock.now(), zone
        self.today = local_date(self.at, zone)
        for dimension in dimension_columns():
            offered = filters.ChoiceFilter(
                field_name=dimension.code, method="of_dimension", label=dimension.label, empty_label=ANY,
                choices=partial(_words_of, dimension),
            )  # fmt: skip
            offered.parent = self
            self.filters[dimension.code] = offered

    def search(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.search(value)

    def in_state(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        return rows.in_state(value)

    def on_plan(self, rows: MemberQuerySet, name: str, value: Plan) -> MemberQuerySet:
        return rows.on_plan(value, self.at)

    def expires_within(self, rows: MemberQuerySet, name: str, value: int) -> MemberQuerySet:
        # As D-7 counts: seven days from today is in seven days.
        return rows.expiring_on(self.today, self.today + timedelta(days=value))

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

    def tagged(self, rows: MemberQuerySet, name: str, value: Tag) -> MemberQuerySet:
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

    def in_combination(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        """``1.2~3``: in segments 1 and 2 and not in 3, as a comparison's figures ask."""
        inside, _, outside = value.partition("~")
        with_all, with_none = ([read_id(text) for text in part.split(".") if text] for part in (inside, outside))
        known, unknown = ([pk for pk in part if pk] for part in (with_all, with_none))
        if not known or len(known) < len(with_all) or len(unknown) < len(with_none):
            return rows.none()
        return rows.in_exactly(known, unknown)

    def in_segment_then(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        """``5.2026-10-01``: in segment 5 at the end of that day."""
        text, _, day = value.partition(".")
        try:
            at = end_of_day(date.fromisoformat(day), self.zone)
        except (ValueError, OverflowError):
            return rows.none()
        segment_id = read_id(text)
        return rows.in_segment_at(segment_id, at) if segment_id else rows.none()

    def of_dimension(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        """The members with this value of a dimension that is a column."""
        return self.with_value(rows, name, f"{name}.{value}")

    def with_value(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        """``city.Xi'an``: the members with a value of a dimension; nothing behind the dot for those without one."""
        code, _, wanted = value.partition(".")
        narrowing = narrowing_of(code)
        return narrowing.having(rows, wanted, self.at) if narrowing else rows.none()

    def meeting(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        """The members for whom a rule that is not saved holds (its JSON)."""
        try:
            return rows.filter(pk__in=members_of(read_rule_text(value), self.at).values("pk"))
        except RuleInvalid:
            return rows.none()

    def moved_between(self, rows: MemberQuerySet, name: str, value: str) -> MemberQuerySet:
        """``from.to.days``, as the arrows of the first page ask."""
        source, target, days = (*value.split("."), "", "", "")[:3]
        targets = RESUMABLE if target == LIVE else [target]
        within = read_number(days, most=10**9)
        if source not in State.values or not set(targets) <= set(State.values) or within is None:
            return rows.none()
        return rows.moved(source, targets, self.at - timedelta(days=min(within, MOST_DAYS)))
