"""Which of two members stays, and of each field in which they differ whose value."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.engine.refusal import Refused, refusal_text
from config.staff.models import User
from members.merging.models import DuplicatePair, MergeRecord
from members.merging.operations.choosing import ABSORBED, SURVIVOR, Difference
from members.merging.operations.merging import merge_members
from members.merging.words import REFUSALS
from members.terms.words import REFUSALS as TERM_REFUSALS

A, B = "a", "b"


class MergeForm(forms.Form):
    """Fields ``stay`` and ``value_0``, ``value_1``…, each ``a`` or ``b``: the pair's first or second member."""

    def __init__(self, data: Any, *, pair: DuplicatePair, stays: str, differences: Sequence[Difference]) -> None:
        super().__init__(data)
        self.pair, self.differences = pair, differences
        choices = [(A, f"#{pair.member_a_id}"), (B, f"#{pair.member_b_id}")]
        self.fields["stay"] = forms.ChoiceField(label=_("Who stays"), choices=choices, initial=stays)
        for n, difference in enumerate(differences):
            usual = stays if difference.usual == SURVIVOR else (B if stays == A else A)
            self.fields[f"value_{n}"] = forms.ChoiceField(choices=choices, initial=usual, required=False)

    def merge(self, *, actor: User, at: Any) -> MergeRecord | None:
        """Merge as chosen; None with the reason among the form's errors when it is refused."""
        stay = self.cleaned_data["stay"]
        ids = {A: self.pair.member_a_id, B: self.pair.member_b_id}
        choices = {
            difference.key: SURVIVOR if chosen == stay else ABSORBED
            for n, difference in enumerate(self.differences)
            if (chosen := self.cleaned_data[f"value_{n}"])
        }
        try:
            return merge_members(
                actor=actor, at=at, survivor_id=ids[stay], absorbed_id=ids[B if stay == A else A], choices=choices
            )
        except Refused as refused:
            self.add_error(None, refusal_text(refused, REFUSALS, TERM_REFUSALS))
            return None
