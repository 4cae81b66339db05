"""Creating a member and correcting her profile."""

from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from config.staff.models import User
from members.people.models import Identity, Member
from members.people.operations import people
from members.people.rules import normalise_identity

# One value of each of these per member; the WeChat ids come from the host product only.
EDITABLE_IDENTITIES = (Identity.Kind.EXTERNAL_ID, Identity.Kind.PHONE, Identity.Kind.EMAIL)
PROFILE_FIELDS = ("display_name", "gender", "birthday_on", "city", "channel", "language", "registered_at")


class MemberForm(forms.Form):
    """The profile. With a ``member`` it edits her; identities stay hidden, and as they are where nothing is typed."""

    display_name = forms.CharField(label=_("Name"), max_length=120, required=False)
    external_id = forms.CharField(label=_("External id"), max_length=200, required=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    email = forms.EmailField(label=_("Email"), max_length=200, required=False)
    gender = forms.ChoiceField(label=_("Gender"), choices=Member.Gender.choices, required=False)
    birthday_on = forms.DateField(
        label=_("Birthday"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    city = forms.CharField(label=_("City"), max_length=80, required=False)
    channel = forms.CharField(label=_("Source channel"), max_length=80, required=False)
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("Not known")), *settings.LANGUAGES]
    )
    registered_at = forms.DateTimeField(
        label=_("Registered"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
    )
    time_zone = forms.CharField(
        label=_("Time zone"), max_length=64, required=False, help_text=_("Like Asia/Shanghai. Empty: the project's.")
    )
    remove = forms.MultipleChoiceField(
        label=_("Remove"), required=False, choices=[], widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, member: Member | None = None, **kwargs: Any) -> None:
        self.member = member
        if member is not None:
            profile = {name: getattr(member, name) for name in PROFILE_FIELDS}
            kwargs["initial"] = {**profile, "time_zone": member.lifecycle.time_zone}
        super().__init__(*args, **kwargs)
        known = {i.kind for i in member.identities.all()} if member else set()
        removable = [(str(kind), kind.label) for kind in EDITABLE_IDENTITIES if kind in known]
        for kind, _label in removable:
            self.fields[kind].help_text = _("Hidden. Empty: stays as it is.")
        if removable:
            self.fields["remove"].choices = removable  # type: ignore[attr-defined]
        else:
            del self.fields["remove"]

    def clean_time_zone(self) -> str:
        zone = self.cleaned_data["time_zone"]
        if zone and zone not in available_timezones():
            raise forms.ValidationError(_("There is no time zone of this name."))
        return zone

    def clean(self) -> None:
        data = self.cleaned_data
        for kind in EDITABLE_IDENTITIES:
            value = normalise_identity(kind, data.get(kind) or "")
            taken = Identity.every.filter(kind=kind, value=value).exclude(member=self.member) if value else None
            if taken is not None and taken.exists():
                self.add_error(kind, _("This belongs to another member."))
        is_named = any([data.get("display_name"), *(data.get(kind) for kind in EDITABLE_IDENTITIES)])
        if self.member is None and not is_named:
            self.add_error("display_name", _("A name or at least one way to recognise the member."))

    def save(self, *, actor: User, at: datetime) -> Member | None:
        """Create or edit the member; None when somebody took an identity in this very moment."""
        data = self.cleaned_data
        identities = {str(kind): data[kind] for kind in EDITABLE_IDENTITIES if data[kind]}
        identities |= dict.fromkeys(data.get("remove", ()), "")
        profile = {name: data[name] for name in PROFILE_FIELDS}
        zone = data["time_zone"]
        try:
            with transaction.atomic():
                if self.member is None:
                    return people.create_member(actor=actor, at=at, identities=identities, time_zone=zone, **profile)
                return people.edit_member(
                    member_id=self.member.pk, actor=actor, at=at, identities=identities, time_zone=zone, **profile
                )
        except IntegrityError:
            self.add_error(None, _("One of the identities was just given to another member."))
            return None
