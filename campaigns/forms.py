"""Why somebody stops or resumes sending, or settles an unknown delivery."""

from datetime import datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from campaigns.models import MessageIntent
from campaigns.operations import sending
from config.staff.models import User


class ReasonForm(forms.Form):
    """One sentence for the audit log."""

    reason = forms.CharField(label=_("Reason"), max_length=200)

    def carry_out(self, *, actor: User, at: datetime) -> bool:
        """Do it; returns whether anything changed."""
        raise NotImplementedError


class StopForm(ReasonForm):
    def carry_out(self, *, actor: User, at: datetime) -> bool:
        return sending.stop_sending(actor=actor, at=at, reason=self.cleaned_data["reason"])


class ResumeForm(ReasonForm):
    def carry_out(self, *, actor: User, at: datetime) -> bool:
        return sending.resume_sending(actor=actor, at=at, reason=self.cleaned_data["reason"])


class ResolveForm(forms.Form):
    """What became of a message nobody knows about. Either way it is not sent again."""

    outcome = forms.ChoiceField(
        label=_("What became of it"),
        choices=[("sent", _("It arrived")), ("failed", _("It did not arrive"))],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("How do you know"), max_length=200)

    def carry_out(self, *, intent: MessageIntent, actor: User, at: datetime) -> bool:
        resolve = {"sent": sending.resolve_as_sent, "failed": sending.resolve_as_failed}[self.cleaned_data["outcome"]]
        return resolve(intent_id=intent.pk, actor=actor, at=at, reason=self.cleaned_data["reason"])
