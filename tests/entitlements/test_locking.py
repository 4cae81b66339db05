"""A member locks benefits and price before her automatic renewal."""

from datetime import timedelta

import pytest

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from entitlements.grants.models import Grant
from entitlements.memory.console.portrait import MemoryPortrait
from entitlements.memory.models import RenewalLock
from entitlements.memory.operations.locking import lock_renewal, unlock
from members.plans.models import Plan
from members.terms.operations import terms
from tests.entitlements.world import Ladder, balance, settle
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db


class Scene:
    def __init__(self) -> None:
        self.world, self.ladder = World(), Ladder()
        self.downloads = self.ladder.benefit("downloads")
        self.ladder.cell(self.world.gold, self.downloads, 10)
        self.member = self.world.member()
        self.term = self.buy(0, auto_renewal=True)

    def buy(self, day, **values):
        term = terms.purchase(member_id=self.member.pk, plan=self.world.month, at=moment(day), actor=None, **values)
        settle(self.member, moment(day))
        return term

    def lock(self, day):
        return lock_renewal(member_id=self.member.pk, at=moment(day), actor=None)

    def worse(self, day):
        """From now on the plan costs more and the ladder gives less."""
        Plan.objects.filter(pk=self.world.month.pk).update(price_cents=9900)
        self.ladder.next(moment(day))
        self.ladder.cell(self.world.gold, self.downloads, 4)
        settle(self.member, moment(day))

    def renew(self, day):
        term = terms.renew_membership(member_id=self.member.pk, at=moment(day), actor=None)
        settle(self.member, moment(day))
        return term


@pytest.fixture
def scene():
    return Scene()


def test_the_next_term_keeps_price_and_ladder_and_the_one_after_does_not(scene):
    lock = scene.lock(28)
    assert (lock.price_cents, lock.ladder, lock.until) == (3000, scene.ladder.version, moment(35, 0))
    scene.worse(29)
    # The running term goes by the ladder in force.
    assert balance(scene.member, scene.downloads) == (4, 0)
    assert scene.renew(32).price_cents == 3000
    assert balance(scene.member, scene.downloads) == (10, 0)
    assert Grant.objects.get(member=scene.member, source="term", voided_at=None, amount=10, effective_at=moment(32, 0))
    assert scene.renew(60).price_cents == 9900
    settle(scene.member, moment(63))
    assert balance(scene.member, scene.downloads) == (4, 0)


def test_without_a_lock_the_new_price_and_ladder(scene):
    scene.worse(29)
    assert scene.renew(31).price_cents == 9900
    assert balance(scene.member, scene.downloads) == (4, 0)


def test_a_price_given_by_hand_goes_before_the_locked_one(scene):
    scene.lock(28)
    renewal = terms.renew_membership(member_id=scene.member.pk, at=moment(30), actor=None, price_cents=100)
    assert renewal.price_cents == 100


def test_a_renewal_of_another_plan_is_not_what_was_locked(scene):
    scene.lock(28)
    scene.worse(29)
    terms.purchase(member_id=scene.member.pk, plan=scene.world.week, at=moment(30), actor=None)
    settle(scene.member, moment(31))
    assert balance(scene.member, scene.downloads) == (4, 0)


def test_the_window_opens_three_days_before(scene):
    with pytest.raises(Refused, match="too_early"):
        lock_renewal(member_id=scene.member.pk, at=moment(28, 0) - timedelta(seconds=1), actor=None)
    assert scene.lock(28) == scene.lock(29)
    assert RenewalLock.objects.count() == 1


def test_it_is_refused_without_auto_renewal_after_the_end_and_once_renewed(scene):
    terms.renew_membership(member_id=scene.member.pk, at=moment(28), actor=None)
    with pytest.raises(Refused, match="renewed_already"):
        scene.lock(29)
    other = Scene.__new__(Scene)
    other.__dict__ |= scene.__dict__ | {"member": scene.world.member()}
    with pytest.raises(Refused, match="no_auto_renewal"):
        other.lock(0)
    other.buy(0, auto_renewal=True)
    with pytest.raises(Refused, match="no_paid_term"):
        other.lock(32)


def test_released_it_counts_no_more(scene):
    lock = scene.lock(28)
    assert unlock(lock_id=lock.pk, at=moment(29), actor=None)
    assert not unlock(lock_id=lock.pk, at=moment(29), actor=None)
    scene.worse(29)
    assert scene.renew(31).price_cents == 9900
    assert list(AuditEntry.objects.filter(action__startswith="renewal.").values_list("action", flat=True)) == [
        "renewal.unlocked", "renewal.locked",
    ]  # fmt: skip


def test_once_renewed_it_is_not_released(scene):
    lock = scene.lock(28)
    scene.renew(30)
    assert not unlock(lock_id=lock.pk, at=moment(30), actor=None)


def test_back_after_the_grace_nothing_is_locked(scene):
    scene.lock(28)
    scene.worse(29)
    assert scene.renew(40).price_cents == 9900
    assert balance(scene.member, scene.downloads) == (4, 0)


def test_in_the_grace_of_the_locked_term_its_ladder_still_counts(scene):
    scene.lock(28)
    scene.worse(29)
    scene.renew(32)
    settle(scene.member, moment(63))
    assert balance(scene.member, scene.downloads) == (10, 0)


@pytest.mark.parametrize(("days", "late"), [(1, 0), (1, 20), (10, 0), (10, 20)])
def test_days_of_compensation_put_the_renewal_off_and_the_lock_with_it(scene, days, late):
    scene.lock(28)
    scene.worse(29)
    added = terms.compensate(member_id=scene.member.pk, days=days, at=moment(30), actor=None, reason="Sorry")
    settle(scene.member, moment(30))
    at = added.ends_at + timedelta(hours=late)
    settle(scene.member, at)
    assert balance(scene.member, scene.downloads)[0] == 4, "the added days go by the ladder in force"
    renewed = terms.renew_membership(member_id=scene.member.pk, at=at, actor=None)
    settle(scene.member, at)
    assert (renewed.price_cents, renewed.starts_at) == (3000, added.ends_at)
    assert balance(scene.member, scene.downloads) == (10, 0)
    again = terms.renew_membership(member_id=scene.member.pk, at=renewed.ends_at, actor=None)
    settle(scene.member, renewed.ends_at)
    assert (again.price_cents, balance(scene.member, scene.downloads)) == (9900, (4, 0))


def test_a_renewal_can_be_locked_with_compensation_waiting_behind(scene):
    terms.compensate(member_id=scene.member.pk, days=1, at=moment(20), actor=None, reason="Sorry")
    assert scene.lock(28).price_cents == 3000


@pytest.mark.parametrize("renewed_on", [30, 31, 32])
@pytest.mark.parametrize("locked_on", [28, 29])
def test_a_day_of_compensation_between_does_not_break_it(scene, locked_on, renewed_on):
    """The lock is for the next paid term, whether the day was added before or after it, waits or runs."""
    if locked_on == 28:
        scene.lock(28)
    terms.compensate(member_id=scene.member.pk, days=1, at=moment(28, 13), actor=None, reason="late")
    if locked_on == 29:
        scene.lock(29)
    scene.worse(29.5)
    renewal = scene.renew(renewed_on)
    assert renewal.price_cents == 3000
    renewal.refresh_from_db()
    first = max(renewal.starts_at, moment(renewed_on))
    settle(scene.member, first + timedelta(hours=1))
    assert balance(scene.member, scene.downloads) == (10, 0)
    assert scene.renew(renewed_on + 1).price_cents == 9900


def test_with_a_day_of_compensation_ahead_it_can_be_released(scene):
    lock = scene.lock(28)
    terms.compensate(member_id=scene.member.pk, days=1, at=moment(29), actor=None, reason="late")
    assert not MemoryPortrait(scene.member.pk, moment(30)).is_lock_used
    assert unlock(lock_id=lock.pk, at=moment(30), actor=None)
