"""Of several levels a member has the best, by the order in which the benefit declares them."""

import pytest

from config.engine.refusal import Refused
from entitlements.benefits.console.forms import PartForm
from entitlements.benefits.models import Benefit
from entitlements.benefits.operations.saving import save_benefit, save_pack
from entitlements.grants.models import Balance
from entitlements.ladder.console.forms import CellForm
from entitlements.ladder.operations import set_cell
from members.terms.operations import terms
from tests.entitlements.world import Ladder, give, settle
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db

PICTURE = ["720p", "1080p", "4K"]
PRICE = ["0.95", "0.88"]


class Scene:
    def __init__(self, levels: list[str], cell: str) -> None:
        self.world, self.ladder = World(), Ladder()
        self.benefit = self.ladder.benefit("quality", kind="access", levels=levels)
        self.ladder.cell(self.world.gold, self.benefit, level=cell)
        self.member = self.world.member()
        terms.purchase(member_id=self.member.pk, plan=self.world.month, at=moment(0), actor=None)

    def level(self) -> str:
        settle(self.member, moment(1))
        return Balance.objects.get(member=self.member, benefit=self.benefit).level


@pytest.mark.parametrize(
    ("levels", "cell", "given", "best"),
    [
        (PICTURE, "1080p", "720p", "1080p"),
        (PICTURE, "720p", "1080p", "1080p"),
        (PICTURE, "1080p", "4K", "4K"),
        (PRICE, "0.88", "0.95", "0.88"),
        (PRICE, "0.95", "", "0.95"),
    ],
)
def test_the_best_of_two_grants(levels, cell, given, best):
    scene = Scene(levels, cell)
    give(scene.member, scene.benefit, None, moment(0), level=given, recurs=True)
    assert scene.level() == best


@pytest.mark.parametrize(("added", "best"), [("720p", "1080p"), ("4K", "4K"), ("", "1080p")])
def test_what_a_plan_adds_makes_no_level_worse(added, best):
    scene = Scene(PICTURE, "1080p")
    scene.ladder.addition(scene.world.month, scene.benefit, level=added)
    assert scene.level() == best


def test_levels_that_are_given_keep_their_order(operator):
    scene = Scene(PICTURE, "1080p")
    give(scene.member, scene.benefit, None, moment(0), level="720p", recurs=True)

    def refusal(levels: list[str]) -> str:
        with pytest.raises(Refused) as refused:
            save_benefit(benefit_id=scene.benefit.pk, actor=operator, at=moment(1), levels=levels)
        return refused.value.code

    assert refusal(["1080p", "720p", "4K"]) == "levels_given"
    assert refusal(["1080p", "4K"]) == "levels_given"
    assert refusal(["720p", "1080p", "1080p"]) == "level_twice"
    save_benefit(benefit_id=scene.benefit.pk, actor=operator, at=moment(1), levels=["720p", "1080p", "1440p", "8K"])
    assert Benefit.objects.get(pk=scene.benefit.pk).levels == ["720p", "1080p", "1440p", "8K"]


def test_a_level_that_the_benefit_does_not_have_is_refused(operator):
    scene = Scene(PICTURE, "1080p")
    with pytest.raises(Refused, match="unknown_level"):
        set_cell(
            benefit=scene.benefit, tier=scene.world.black, plan=None, actor=operator, at=moment(1),
            values={"level": "8K", "is_held_in_grace": True, "early_hours": 0},
        )  # fmt: skip
    with pytest.raises(Refused, match="unknown_level"):
        save_pack(
            pack_id=None, actor=operator, at=moment(1), code="pack", name="Pack",
            parts=[{"benefit": scene.benefit, "amount": None, "level": "8K", "recurs": False}],
        )  # fmt: skip
    form = PartForm({"benefit": scene.benefit.pk, "level": "8K"})
    assert not form.is_valid()
    assert "720p, 1080p, 4K" in str(form.errors["level"])


def test_a_cell_offers_the_levels_of_its_benefit():
    scene = Scene(PICTURE, "1080p")
    devices = scene.ladder.benefit("devices", kind="access", unit="devices", levels=["1", "2"])
    choices = [(value, str(shown)) for value, shown in CellForm(benefit=devices).fields["level"].choices]
    assert choices == [("", "none"), ("1", "1 devices"), ("2", "2 devices")]
    given = {"is_given": "on", "early_hours": "0"}
    form = CellForm(given | {"level": "4K"}, benefit=scene.benefit)
    assert form.is_valid()
    assert form.values()["level"] == "4K"
    assert CellForm(given | {"level": "8K"}, benefit=scene.benefit).has_error("level")
    plain = scene.ladder.benefit("plain", kind="access")
    form = CellForm(given, benefit=plain)
    assert "level" not in form.fields
    assert form.is_valid()
    assert form.values()["level"] == ""
