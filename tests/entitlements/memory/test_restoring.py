"""On return the rule gives back what was kept, once."""

import pytest

from entitlements.grants.models import Grant
from entitlements.memory.doors import MEMORIES, Memory
from entitlements.memory.models import EntitlementSnapshot
from members.terms.operations import terms
from tests.entitlements.memory.scene import Outcome, rule
from tests.entitlements.world import balance, settle
from tests.members.world import moment

pytestmark = pytest.mark.django_db


def test_returning_with_the_same_tier_restores_what_was_left(scene):
    scene.lapse()
    term = scene.buy(50, scene.world.black_month)
    assert scene.restored() == {("voucher", 3, False, term.ends_at)}
    assert balance(scene.member, scene.voucher) == (7, 0)
    # Unlocked by use: the uses are remembered anyway.
    assert balance(scene.member, scene.album) == (None, 0)
    kept = scene.snapshot
    assert (kept.outcome, kept.returned_at, kept.return_term) == (Outcome.RESTORED, moment(50), term)
    assert [(g["benefit"], g["amount"]) for g in kept.restored["grants"]] == [(scene.voucher.pk, 3)]


def test_returning_with_a_lower_tier_gives_the_surplus_of_the_former_one_for_a_while(scene, admin):
    rule(admin, tier_days=10)
    scene.lapse()
    term = scene.buy(50)
    until = moment(60)
    assert scene.restored() == {
        ("downloads", 20, True, until), ("cinema", None, True, until), ("album", None, True, term.ends_at),
        ("voucher", 3, False, term.ends_at),
    }  # fmt: skip
    assert balance(scene.member, scene.downloads) == (30, 0)
    settle(scene.member, moment(60))
    assert balance(scene.member, scene.downloads) == (10, 0)


def test_it_is_restored_once(scene):
    scene.lapse()
    scene.buy(50)
    before = Grant.objects.filter(source="restore").count()
    for day in (50, 51, 84, 95):
        settle(scene.member, moment(day))
    again = scene.buy(100)
    assert Grant.objects.filter(source="restore", source_id=scene.member.snapshots.first().pk).count() == before
    # The second loss has a memory of its own, of a gold term.
    assert scene.member.snapshots.count() == 2
    assert scene.member.snapshots.latest("taken_at").return_term == again


@pytest.mark.parametrize(
    ("values", "way", "outcome"),
    [
        ({"mode": "nothing"}, "buy", "nothing"),
        ({"mode": "younger", "younger_than_days": 15}, "buy", "too_old"),
        ({"mode": "younger", "younger_than_days": 16}, "buy", "restored"),
        ({"mode": "everything", "younger_than_days": 1}, "buy", "restored"),
        ({"on_gift": False}, "gift", "other_way"),
        ({"on_gift": False}, "buy", "restored"),
        ({"on_purchase": False}, "buy", "other_way"),
        ({"on_purchase": False}, "gift", "restored"),
    ],
)
def test_the_rule_decides(scene, admin, values, way, outcome):
    rule(admin, **values)
    scene.lapse()
    if way == "buy":
        scene.buy(50)
    else:
        terms.give_term(member_id=scene.member.pk, plan=scene.world.month, at=moment(50), actor=None)
        settle(scene.member, moment(50))
    assert scene.snapshot.outcome == outcome
    assert bool(scene.restored()) == (outcome == "restored")


@pytest.mark.parametrize(
    ("part", "gone"),
    [
        ("restores_tier", {"downloads", "cinema"}), ("restores_unlocked", {"album"}),
        ("restores_remaining", {"voucher"}),
    ],
)  # fmt: skip
def test_each_part_may_be_left_out(scene, admin, part, gone):
    rule(admin, **{part: False})
    scene.lapse()
    scene.buy(50)
    assert {code for code, *_rest in scene.restored()} == {"downloads", "cinema", "album", "voucher"} - gone


def test_a_trial_is_no_return(scene):
    scene.lapse()
    terms.start_trial(member_id=scene.member.pk, plan=scene.world.month, at=moment(50), actor=None)
    settle(scene.member, moment(50))
    assert scene.snapshot.outcome == Outcome.PENDING
    scene.buy(52)
    assert scene.snapshot.outcome == Outcome.RESTORED


def test_a_renewal_in_the_grace_leaves_no_memory(scene):
    scene.buy(0)
    settle(scene.member, moment(32))
    scene.buy(33)
    settle(scene.member, moment(33))
    assert not EntitlementSnapshot.objects.exists()


def test_what_came_back_with_a_term_goes_with_its_refund(scene):
    scene.lapse()
    term = scene.buy(50)
    scene.use(scene.voucher, 5, 51)
    terms.refund_term(term_id=term.pk, at=moment(52), actor=None, reason="")
    settle(scene.member, moment(52))
    assert scene.restored() == set()
    assert balance(scene.member, scene.voucher) == (0, 0)
    again = scene.buy(53)
    assert scene.restored() == set()
    assert again.pk


def test_what_was_carried_over_is_not_there_twice(scene):
    """Back within the period it was carried into, it is there by itself; later it is restored."""
    gb = scene.ladder.benefit("gb", kind="quota", is_by_calendar=True, rollover_max=5)
    scene.ladder.cell(scene.world.gold, gb, 10)
    scene.buy(0)  # March 2
    settle(scene.member, moment(30))  # April 1: five carried over
    assert balance(scene.member, gb) == (15, 0)
    settle(scene.member, moment(40))
    assert scene.snapshot.balances[str(gb.pk)]["carried"] == 5
    scene.buy(45)  # April 16
    assert balance(scene.member, gb) == (15, 0)


@pytest.mark.parametrize("is_free", [False, True])
def test_what_went_on_being_carried_over_is_not_there_twice(scene, is_free):
    """Back after the period it was carried into: restored where it had ended with the tier, else there by itself."""
    gb = scene.ladder.benefit("gb", kind="quota", is_by_calendar=True, rollover_max=5)
    scene.ladder.cell(scene.world.gold, gb, 10)
    if is_free:
        scene.ladder.cell(None, gb, 10)
    scene.buy(0)  # March 2
    for day in (30, 40, 60):  # April 1: five carried over; May 1: again, where nobody needs a membership
        settle(scene.member, moment(day))
    assert scene.snapshot.balances[str(gb.pk)]["carried"] == 5
    scene.buy(75)  # May 16
    assert balance(scene.member, gb) == (15, 0)


@pytest.fixture
def points(lend):
    """A door that keeps 120 points of everybody; returns what it was asked to give back."""
    given = []

    def restore(cursor, table):
        cursor.execute(f"SELECT member_id, value, at FROM {table}")
        given.extend((member, int(value), at) for member, value, at in cursor.fetchall())

    lend(MEMORIES)
    MEMORIES.register(Memory("points", "Points", "SELECT to_jsonb(120) WHERE {member} > 0", restore))
    return given


def test_points_come_back_through_their_door(scene, points):
    scene.lapse()
    assert scene.snapshot.memories == {"points": 120}
    scene.buy(50)
    assert points == [(scene.member.pk, 120, moment(50))]
    assert scene.snapshot.restored["memories"] == {"points": 120}


def test_points_may_be_left_out(scene, admin, points):
    rule(admin, restores_points=False)
    scene.lapse()
    scene.buy(50)
    assert points == []
    assert scene.snapshot.restored["memories"] == {}
