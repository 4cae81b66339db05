"""On return the rule gives back what was kept, once."""

from datetime import time, timedelta

import pytest

from entitlements.grants.models import Grant
from entitlements.memory.doors import MEMORIES, Memory
from entitlements.memory.models import EntitlementSnapshot
from members.people.rules import at_local, local_date
from members.terms.operations import terms
from tests.entitlements.memory.scene import Outcome, rule
from tests.entitlements.world import balance, settle
from tests.members.world import moment

ZONE = "Asia/Shanghai"

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


def test_what_came_back_with_a_term_goes_with_its_refund_and_was_used_up_by_use(scene):
    scene.lapse()
    term = scene.buy(50)
    scene.use(scene.voucher, 5, 51)
    terms.refund_term(term_id=term.pk, at=moment(52), actor=None, reason="")
    settle(scene.member, moment(52))
    assert scene.restored() == set()
    assert balance(scene.member, scene.voucher) == (0, 0)
    scene.buy(53)
    assert scene.restored() == set()


@pytest.mark.parametrize("used", [0, 1])
def test_a_refund_reopens_the_memory_unless_something_of_what_came_back_was_used(scene, used):
    scene.lapse()
    term = scene.buy(50, scene.world.black_month)
    if used:
        # What came back burns first.
        scene.use(scene.voucher, used, 51)
    terms.refund_term(term_id=term.pk, at=moment(52), actor=None, reason="")
    settle(scene.member, moment(52))
    first = EntitlementSnapshot.objects.earliest("taken_at")
    assert first.outcome == (Outcome.RESTORED if used else Outcome.PENDING)
    scene.buy(53, scene.world.black_month)
    assert balance(scene.member, scene.voucher)[0] == (4 if used else 7)


@pytest.mark.parametrize("used", [0, 2])
def test_a_void_reopens_the_memory_and_what_was_used_of_it_is_gone(scene, used):
    scene.lapse()
    term = scene.buy(50, scene.world.black_month)
    if used:
        scene.use(scene.voucher, used, 51)
    terms.void_term(term_id=term.pk, at=moment(52), actor=None, reason="A mistake")
    settle(scene.member, moment(52))
    assert (scene.snapshot.outcome, scene.snapshot.returned_at, scene.restored()) == (Outcome.PENDING, None, set())
    term = scene.buy(53, scene.world.black_month)
    assert scene.restored() == {("voucher", 3 - used, False, term.ends_at)}
    for day in (54, 55, 56):
        terms.void_term(term_id=term.pk, at=moment(day), actor=None, reason="A mistake")
        settle(scene.member, moment(day))
        term = scene.buy(day + 0.5, scene.world.black_month)
    assert balance(scene.member, scene.voucher)[0] == 7 - used, "again and again: never more"


def test_what_comes_back_ends_with_the_week_it_came_with(scene):
    scene.lapse()
    term = scene.buy(50, scene.world.week)
    assert {until for *_, until in scene.restored()} == {term.ends_at}
    settle(scene.member, term.ends_at)
    assert balance(scene.member, scene.cinema) == (0, 0)


def test_what_comes_back_ends_where_a_higher_tier_is_bought_over_it(scene):
    scene.lapse()
    scene.buy(50)
    assert ("voucher", 3) in {entry[:2] for entry in scene.restored()}
    scene.buy(52, scene.world.black_month)
    assert scene.restored() == set()
    assert set(Grant.objects.filter(source="restore").values_list("voided_at", flat=True)) == {moment(52)}


def test_settled_late_what_came_back_ended_when_its_term_did(scene):
    scene.lapse()
    term = scene.buy(50, scene.world.black_month)
    terms.refund_term(term_id=term.pk, at=moment(52), actor=None, reason="")
    settle(scene.member, moment(90))
    assert set(Grant.objects.filter(source="restore").values_list("voided_at", flat=True)) == {moment(52)}


@pytest.mark.parametrize("way", ["compensation", "lent"])
def test_compensation_and_lent_cover_are_no_return(scene, way):
    scene.lapse()
    if way == "lent":
        terms.lend_cover(
            member_id=scene.member.pk, tier=scene.world.gold, starts_at=moment(50), ends_at=moment(53), at=moment(50),
            actor=None, external_ref="house:seat:1:1",
        )  # fmt: skip
    else:
        terms.compensate(member_id=scene.member.pk, days=3, at=moment(50), actor=None, reason="Sorry")
    for day in (50, 54, 60, 70):
        settle(scene.member, moment(day))
    assert (scene.snapshot.outcome, scene.restored()) == (Outcome.PENDING, set())
    scene.buy(71, scene.world.black_month)
    assert (scene.snapshot.outcome, balance(scene.member, scene.voucher)) == (Outcome.RESTORED, (7, 0))


@pytest.mark.parametrize(
    ("days", "hour", "outcome"),
    [(15, 0, Outcome.RESTORED), (15, 23, Outcome.RESTORED), (16, 0, Outcome.TOO_OLD), (16, 23, Outcome.TOO_OLD)],
)
def test_younger_than_so_many_days_counts_local_days(scene, admin, days, hour, outcome):
    rule(admin, mode="younger", younger_than_days=16)
    scene.lapse()
    lost = scene.snapshot
    EntitlementSnapshot.objects.filter(pk=lost.pk).update(taken_at=lost.taken_at + timedelta(hours=9))
    day = local_date(lost.taken_at + timedelta(hours=9), ZONE) + timedelta(days=days)
    at = at_local(day, time(hour), ZONE)
    term = terms.purchase(member_id=scene.member.pk, plan=scene.world.month, at=at, actor=None)
    assert EntitlementSnapshot.objects.pending().young_enough(at, 16).exists() == (outcome == Outcome.RESTORED)
    settle(scene.member, at)
    assert (scene.snapshot.outcome, scene.snapshot.return_term) == (outcome, term)


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
