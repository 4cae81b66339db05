"""One cell as somebody is editing it, saved or not, and whom it would touch."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from entitlements.benefits.models import FREE, Benefit, PlanBenefit, TierBenefit
from entitlements.ladder.changes import Cell, Change, differ
from entitlements.ladder.console.forms import AdditionForm, CellForm
from entitlements.ladder.console.matrix import Ladder
from members.plans.models import Plan, Tier

# Says in an address that the values of the form are in it.
EDITED = "edited"


class EditedCell:
    """The cell of a benefit on a tier (None: free) or of a plan, as ``asked`` makes it; None: as it stands."""

    def __init__(
        self, ladder: Ladder, benefit: Benefit, tier: Tier | None, plan: Plan | None, asked: QueryDict | None
    ) -> None:
        self.ladder, self.benefit, self.tier, self.plan, self.asked = ladder, benefit, tier, plan, asked

    @property
    def _where(self) -> dict[str, Any]:
        return {"benefit": self.benefit} | ({"tier": self.tier} if self.plan is None else {"plan": self.plan})

    @property
    def _model(self) -> type[TierBenefit] | type[PlanBenefit]:
        return TierBenefit if self.plan is None else PlanBenefit

    @cached_property
    def before(self) -> Cell | None:
        """In force now."""
        return self._model.objects.filter(version=self.ladder.active, **self._where).first()

    @cached_property
    def drafted(self) -> Cell | None:
        return self._model.objects.filter(version=self.ladder.shown, **self._where).first()

    @cached_property
    def form(self) -> CellForm:
        form = CellForm if self.plan is None else AdditionForm
        return form(
            self.asked, instance=self.drafted or self._model(**self._where), benefit=self.benefit, auto_id="drawer_%s",
            initial={"is_given": self.drafted is not None},
        )  # fmt: skip

    def after(self) -> Cell | None:
        """As it would be."""
        if self.asked is None or not self.form.is_valid():
            return self.drafted
        values = self.form.values()
        return None if values is None else self._model(**self._where, **values)

    def change(self) -> Change | None:
        """Against what is in force; None where nothing differs."""
        after = self.after()
        if not differ(self.before, after):
            return None
        return Change(self.benefit, self.tier, self.plan, self.before, after)

    def query(self) -> Mapping[str, str]:
        """The edited values as an address carries them; none where the cell is shown as it stands."""
        if self.asked is None:
            return {}
        return {EDITED: "1"} | {name: str(self.asked[name]) for name in self.form.fields if name in self.asked}

    def members_address(self) -> str:
        """The members whom it touches as it is being edited."""
        if self.plan is None:
            page = reverse("ladder:cell-members", args=[self.tier.code if self.tier else FREE, self.benefit.code])
        else:
            page = reverse("ladder:addition-members", args=[self.plan.code, self.benefit.code])
        change = self.change()
        return f"{page}?{urlencode({'what': change.code if change else '', **self.query()})}"
