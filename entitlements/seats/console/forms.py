from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.console.fields import NamedChoiceField
from entitlements.seats.models import MOST_SEATS, Seat, SeatPlan
from members.people.models import Member
from members.people.querysets.people import MemberQuerySet
from members.plans.models import Tier

# More than so many are no choice.
MOST_FOUND = 10


class SeatPlanForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=SeatPlan.Kind.choices)
    seats = forms.IntegerField(
        label=gettext_lazy("Seats"), min_value=0, max_value=MOST_SEATS,
        help_text=gettext_lazy("Besides the owner; 0 brings none."),
    )  # fmt: skip
    tier = NamedChoiceField(
        label=gettext_lazy("Tier of a seat"), queryset=Tier.objects.all(), required=False,
        empty_label=gettext_lazy("As the plan's"),
    )  # fmt: skip


class GiveForm(forms.Form):
    """Who gets a seat of the owner's: what people type to find a member, or one of those it found.

    A number or identity typed in full means that member, whoever else resembles it. Of those who only resemble it,
    the owner and who has a seat of hers are no choice.
    """

    who = forms.CharField(
        label=gettext_lazy("Member"), max_length=200, required=False,
        help_text=gettext_lazy("Id, phone, address or name."),
    )  # fmt: skip
    member = forms.IntegerField(required=False, widget=forms.HiddenInput)

    found: list[Member]

    def __init__(self, *args: Any, owner_id: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner_id = owner_id

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        pk, who = data.get("member"), (data.get("who") or "").strip()
        rows = Member.objects.select_related("lifecycle")
        if pk:
            self.found = list(rows.filter(pk=pk))
        elif who:
            self.found = self._search(rows.filter(lifecycle__isnull=False), who)
        else:
            raise forms.ValidationError(_("Say who gets the seat."))
        if not self.found:
            raise forms.ValidationError(_("Nobody was found. Look at the spelling, or make the member first."))
        if len(self.found) > MOST_FOUND:
            raise forms.ValidationError(_("Too many were found. Type the whole id or phone."))
        return data

    def _search(self, rows: MemberQuerySet, who: str) -> list[Member]:
        if exact := list(rows.exactly(who)):
            return exact
        found = rows.search(who).order_by("-pk")
        seated = Seat.objects.open().of_owner(self.owner_id).values("member_id")
        others = found.exclude(pk=self.owner_id).exclude(pk__in=seated)
        # With nobody else left the operation refuses her, and says why.
        return list(others[: MOST_FOUND + 1]) or list(found[:1])

    @property
    def chosen(self) -> Member | None:
        """The one member found; None where there is a choice to make."""
        return self.found[0] if len(self.found) == 1 else None


class EndForm(forms.Form):
    reason = forms.ChoiceField(label=gettext_lazy("Why"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        by_hand = (Seat.EndReason.TAKEN_BACK, Seat.EndReason.LEFT)
        field = cast("forms.ChoiceField", self.fields["reason"])
        field.choices = [(reason.value, reason.label) for reason in by_hand]
        field.initial = Seat.EndReason.TAKEN_BACK
