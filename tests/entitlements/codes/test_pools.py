"""Partner codes: taken in, handed out one a member, and never written where they do not belong."""

from datetime import UTC, datetime

import pytest

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from entitlements.codes.models import CodePool, PartnerCode
from entitlements.codes.operations import pools
from members.merging.operations.merging import merge_members
from tests import factories

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)


@pytest.fixture
def pool(db):
    pool = pools.save_pool(
        actor=None, at=AT, code="cinema", partner="Cinema", name="Ticket", worth_cents=4500, low_stock=1
    )
    pools.take_in(pool_id=pool.pk, codes=["SECRET-1", "SECRET-2", "SECRET-1"], actor=None, at=AT)
    return pool


def claim(pool, member):
    return pools.claim_code(pool_id=pool.pk, member_id=member.pk, actor=None, at=AT)


def test_codes_are_taken_in_once(pool):
    assert pools.take_in(pool_id=pool.pk, codes=["SECRET-2", "SECRET-3"], actor=None, at=AT) == (1, 1)
    stock = CodePool.objects.with_stock().get()
    assert (stock.total, stock.claimed, stock.free) == (3, 0, 3)


def test_a_member_has_one_code_of_a_pool(pool):
    member = factories.make_member(at=AT)
    first = claim(pool, member)
    assert claim(pool, member) == first
    assert claim(pool, factories.make_member(at=AT)).code == "SECRET-2"
    with pytest.raises(Refused, match="none_left"):
        claim(pool, factories.make_member(at=AT))


def test_a_closed_pool_hands_nothing_out(pool):
    pools.save_pool(actor=None, at=AT, pool_id=pool.pk, is_open=False)
    with pytest.raises(Refused, match="closed"):
        claim(pool, factories.make_member(at=AT))


def test_low_pools_are_found_when_their_threshold_is_reached(pool):
    assert not CodePool.objects.low().exists()
    claim(pool, factories.make_member(at=AT))
    assert CodePool.objects.low().get().free == 1
    pools.save_pool(actor=None, at=AT, pool_id=pool.pk, is_open=False)
    assert not CodePool.objects.low().exists()


def test_no_code_is_in_the_audit_log(pool, admin):
    code = claim(pool, factories.make_member(at=AT))
    assert pools.reveal_code(code_id=code.pk, actor=admin, at=AT) == "SECRET-1"
    entries = AuditEntry.objects.filter(target_type="code_pool")
    assert set(entries.values_list("action", flat=True)) == {
        "code_pool.saved", "code_pool.filled", "code_pool.claimed", "code_pool.revealed",
    }  # fmt: skip
    assert not entries.filter(data__icontains="SECRET").exists()


def test_a_merge_leaves_the_survivor_hers(pool):
    survivor, absorbed = factories.make_member(at=AT), factories.make_member(at=AT)
    hers, _other = claim(pool, survivor), claim(pool, absorbed)
    merge_members(actor=None, at=AT, survivor_id=survivor.pk, absorbed_id=absorbed.pk)
    assert PartnerCode.objects.get(member=survivor) == hers
    with pytest.raises(Refused, match="none_left"):
        claim(pool, factories.make_member(at=AT))
