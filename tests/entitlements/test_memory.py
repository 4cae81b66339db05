"""What is lost is kept; on return the rule gives it back, once, and says so."""

from datetime import timedelta

import pytest

from entitlements.memory import doors
from entitlements.memory.operations.rules import effect_of, save_rule
from entitlements.models import EntitlementSnapshot, Grant, RestoreRule, Standing, TierStanding
from entitlements.usage.operations.consuming import consume
from members import timeline
from members.models import MembershipTerm, Plan, Tier
from members.operations import terms
from tests.entitlements.world import Ladder, balance, give, settle
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db

Outcome = EntitlementSnapshot.Outcome


class Scene:
    """Black gives more than gold; a voucher is given once a term, the album is unlocked by two downloads."""

    def __init__(self) -> None:
        self.world, self.ladder = World(), Ladder()
        gold, black = self.world.gold, self.world.black
        self.downloads = self.ladder.benefit("downloads")
        self.voucher = self.ladder.benefit("voucher", period="term")
        self.cinema = self.ladder.benefit("cinema", kind="access")
        self.album = self.ladder.benefit("album", kind="access", unlocked_by=self.downloads, unlocked_after=2)
        for tier, amount in ((gold, 10), (black, 30)):
            self.ladder.cell(tier, self.downloads, amount)
            self.ladder.cell(tier, self.voucher, 4)
        self.ladder.cell(black, self.cinema)
        self.ladder.cell(black, self.album)
        self.member = self.world.member()

    def buy(self, day, plan=None, **values):
        term = terms.purchase(
            member_id=self.member.pk, plan=plan or self.world.month, at=moment(day), actor=None, **values
        )
        settle(self.member, moment(day))
        return term

    def lapse(self, plan=None):
        """A month of black from day 0, with two downloads and a voucher used; over since day 34."""
        term = self.buy(0, plan or self.world.black_month)
        self.use(self.downloads, 1, 1)
        self.use(self.downloads, 1, 1)
        self.use(self.voucher, 1, 1)
        for day in (31, 32, 40):
            settle(self.member, moment(day, 13))
        return term

    def earn(self, tier, day=-30, until=None):
        values = {"tier": tier, "via": "qualified", "since": moment(day), "until": until}
        TierStanding.objects.update_or_create(member=self.member, defaults=values)

    def stands(self):
        row = Standing.objects.get(pk=self.member.pk)
        return row.via, row.tier, row.since

    def use(self, benefit, amount, day):
        record = consume(member_id=self.member.pk, benefit=benefit, amount=amount, at=moment(day), origin="api")
        assert record.outcome == "used"

    @property
    def snapshot(self):
        return EntitlementSnapshot.objects.get(member=self.member)

    def restored(self):
        rows = Grant.objects.filter(member=self.member, source="restore", voided_at__isnull=True)
        return {(row.benefit.code, row.amount, row.recurs, row.expires_at) for row in rows}


@pytest.fixture
def scene():
    return Scene()


def rule(admin, **values):
    return save_rule(actor=admin, at=moment(0), **values)


def test_what_is_lost_at_the_end_of_the_grace_is_kept(scene):
    term = scene.lapse()
    kept = scene.snapshot
    assert (kept.term, kept.tier, kept.plan) == (term, scene.world.black, scene.world.black_month)
    assert kept.taken_at == term.ends_at + timedelta(days=3)
    assert kept.outcome == Outcome.PENDING
    voucher = kept.balances[str(scene.voucher.pk)]
    assert (voucher["remaining"], voucher["uses"], voucher["once"]) == (3, 1, 3)
    assert kept.balances[str(scene.downloads.pk)]["uses"] == 2
    assert set(kept.unlocked) == {str(scene.album.pk)}


def test_settled_late_it_is_the_same(scene):
    scene.buy(0, scene.world.black_month)
    scene.use(scene.voucher, 1, 1)
    settle(scene.member, moment(60))
    assert scene.snapshot.taken_at == moment(34)
    assert scene.snapshot.balances[str(scene.voucher.pk)]["once"] == 3


def test_a_trial_that_was_never_paid_leaves_nothing(scene):
    terms.start_trial(member_id=scene.member.pk, plan=scene.world.month, at=moment(0), actor=None)
    settle(scene.member, moment(0))
    settle(scene.member, moment(10))
    assert not EntitlementSnapshot.objects.exists()


def test_nor_does_a_term_that_was_refunded(scene):
    term = scene.buy(0)
    terms.refund_term(term_id=term.pk, at=moment(2), actor=None, reason="")
    settle(scene.member, moment(2))
    assert not EntitlementSnapshot.objects.exists()


def test_a_bought_tier_lost_to_a_lower_earned_one_is_kept_and_comes_back(scene):
    gold, black = scene.world.gold, scene.world.black
    scene.earn(gold)
    term = scene.buy(0, scene.world.black_month)
    scene.use(scene.voucher, 1, 1)
    for day in (31, 32):
        settle(scene.member, moment(day, 13))
    assert scene.stands() == ("grace", black, term.ends_at)
    assert not EntitlementSnapshot.objects.exists()
    settle(scene.member, moment(40))
    assert scene.stands() == ("tier", gold, moment(34))
    kept = scene.snapshot
    assert (kept.term, kept.tier, kept.taken_at, kept.outcome) == (term, black, moment(34), Outcome.PENDING)
    assert kept.balances[str(scene.voucher.pk)]["once"] == 3
    settle(scene.member, moment(45))
    again = scene.buy(50, scene.world.black_month)
    kept = scene.snapshot
    assert (kept.outcome, kept.return_term, kept.returned_at) == (Outcome.RESTORED, again, moment(50))
    assert scene.restored() == {("voucher", 3, False, again.ends_at)}
    assert balance(scene.member, scene.voucher) == (7, 0)


def test_a_return_below_the_earned_tier_restores_for_the_term_that_was_bought(scene):
    """Her standing is then the earned tier, which began long before and has another end."""
    basic = Tier.objects.create(code="basic", name="Basic", rank=0)
    plan = Plan.objects.create(code="basic", name="Basic", tier=basic, price_cents=900)
    scene.earn(scene.world.gold)
    scene.lapse()
    assert scene.snapshot.outcome == Outcome.PENDING
    term = scene.buy(50, plan)
    assert scene.stands()[:2] == ("tier", scene.world.gold)
    assert (scene.snapshot.outcome, scene.snapshot.return_term) == (Outcome.RESTORED, term)
    assert scene.restored() == {
        ("downloads", 20, True, moment(80)), ("cinema", None, True, moment(80)),
        ("album", None, True, term.ends_at), ("voucher", 3, False, term.ends_at),
    }  # fmt: skip
    assert set(Grant.objects.filter(source="restore").values_list("effective_at", flat=True)) == {moment(50)}


@pytest.mark.parametrize("earned", ["gold", "black"])
def test_an_earned_tier_not_below_the_bought_one_leaves_no_memory(scene, earned):
    """Neither when it is reached in mid-term nor when the term is over: nothing is lost."""
    scene.buy(0)
    settle(scene.member, moment(5))
    scene.earn(getattr(scene.world, earned), 10)
    for day in (10, 31, 32, 40):
        settle(scene.member, moment(day, 13))
    assert scene.stands()[:2] == ("tier", getattr(scene.world, earned))
    assert not EntitlementSnapshot.objects.exists()


def test_what_the_term_gave_is_lost_when_the_earned_tier_above_it_falls_later(scene):
    """She keeps black when gold runs out; the day black is gone she has less than she bought."""
    scene.earn(scene.world.black, until=moment(60))
    term = scene.buy(0)
    for day in (31, 32, 40):
        settle(scene.member, moment(day, 13))
    assert not EntitlementSnapshot.objects.exists()
    settle(scene.member, moment(70))
    assert (scene.snapshot.term, scene.snapshot.taken_at) == (term, moment(60))
    assert scene.stands() == ("free", None, moment(60))


def test_a_refund_down_to_an_earned_tier_leaves_nothing(scene):
    scene.earn(scene.world.gold)
    term = scene.buy(0, scene.world.black_month)
    terms.refund_term(term_id=term.pk, at=moment(2), actor=None, reason="")
    settle(scene.member, moment(2))
    assert scene.stands()[:2] == ("tier", scene.world.gold)
    assert not EntitlementSnapshot.objects.exists()


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
    gb = scene.ladder.benefit("gb", kind="metered", is_by_calendar=True, rollover_max=5)
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
    gb = scene.ladder.benefit("gb", kind="metered", is_by_calendar=True, rollover_max=5)
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
def points():
    """A door that keeps 120 points of everybody; returns what it was asked to give back."""
    given = []

    def restore(cursor, table):
        cursor.execute(f"SELECT member_id, value, at FROM {table}")
        given.extend((member, int(value), at) for member, value, at in cursor.fetchall())

    doors.register("points", "Points", "SELECT to_jsonb(120) WHERE {member} > 0", restore)
    yield given
    doors.forget("points")


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


def test_the_timeline_tells_the_loss_and_the_return(scene):
    scene.lapse()
    scene.buy(50)
    page = timeline.read(scene.member.pk, until=moment(60), only="memory")
    assert [str(entry.title) for entry in page.entries] == [
        "Returned: 4 benefits restored", "Benefits ended: Black kept in memory",
    ]  # fmt: skip
    first = timeline.read(scene.member.pk, until=moment(60), only="memory", limit=1)
    rest = timeline.read(scene.member.pk, until=moment(60), only="memory", limit=1, before=first.earlier)
    assert [str(e.title) for e in rest.entries] == ["Benefits ended: Black kept in memory"]


@pytest.mark.parametrize("begins", [50, 45])
def test_in_the_timeline_the_return_stands_right_above_the_term_that_caused_it(scene, begins):
    scene.lapse()
    term = scene.buy(50)
    # A term may begin before it is recorded.
    MembershipTerm.objects.filter(pk=term.pk).update(starts_at=moment(begins))
    EntitlementSnapshot.objects.filter(member=scene.member).update(returned_at=moment(begins))
    seen, before = [], None
    while not seen or before:
        page = timeline.read(scene.member.pk, until=moment(60), before=before, limit=1)
        seen += [entry.source for entry in page.entries]
        before = page.earlier
    assert seen.count("memory") == 2
    assert seen[seen.index("memory") + 1] == "term"


def test_the_effect_of_a_rule_is_known_before(scene):
    scene.lapse()
    at = moment(50)
    assert effect_of(RestoreRule(mode="younger", younger_than_days=15), at=at).too_old == 1
    assert effect_of(RestoreRule(mode="younger", younger_than_days=16), at=at).restored == 1
    assert effect_of(RestoreRule(mode="everything", younger_than_days=1), at=at).restored == 1
    assert effect_of(RestoreRule(mode="nothing", younger_than_days=1), at=at).restored == 0


def test_rules_come_in_versions(admin):
    first = RestoreRule.objects.get()
    assert rule(admin, mode=first.mode) == first
    second = rule(admin, mode="everything")
    assert (second.version, second.younger_than_days) == (2, first.younger_than_days)
    first.refresh_from_db()
    assert first.mode == "younger"


def test_a_one_off_by_hand_is_no_part_of_it(scene):
    """It did not come with the membership, so it does not go with it."""
    give(scene.member, scene.voucher, 2, moment(0))
    scene.lapse()
    assert balance(scene.member, scene.voucher) == (2, 0)
    assert scene.snapshot.balances[str(scene.voucher.pk)]["once"] == 3
