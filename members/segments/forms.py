from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Segment


class SegmentForm(forms.Form):
    """What a segment is called, and why it is changed."""

    name = forms.CharField(label=_("Segment name"), max_length=80)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80, required=False)
    description = forms.CharField(label=_("What it is for"), max_length=300, required=False)
    reason = forms.CharField(label=_("Why this change"), max_length=200, required=False)

    @classmethod
    def of(cls, segment: Segment) -> "SegmentForm":
        return cls(initial={"name": segment.name, "name_zh": segment.name_zh, "description": segment.description})


class FreezeForm(forms.Form):
    """The name under which the members of a moment are kept."""

    name = forms.CharField(label=_("Segment name"), max_length=80)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80, required=False)
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)


class ArchiveForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=200, required=False)
