"""How often a benefit was used goes along when members are merged, and with it what that unlocks."""

import pytest

from entitlements.grants.models import Balance
from entitlements.grants.operations.settling import settle_due, settle_members
from entitlements.usage.operations.consuming import consume, reverse
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from tests import factories
from tests.entitlements.making import AT, DAY, give, make_benefit

pytestmark = pytest.mark.django_db


def uses(member, benefit) -> int:
    return sum(Balance.objects.filter(member=member, benefit=benefit).values_list("uses", flat=True))


def has(member, benefit) -> bool:
    return Balance.objects.open().filter(member=member, benefit=benefit).exists()


def test_uses_of_both_unlock_and_come_apart_again(operator) -> None:
    album = make_benefit()
    season = make_benefit(kind="access", unlocked_by=album, unlocked_after=3)
    for benefit, amount in ((album, 9), (season, None)):
        give(benefit, None, amount)
    kept, gone = (factories.make_member(at=AT - DAY) for _ in range(2))
    settle_members(member_ids=[kept.pk, gone.pk], at=AT)
    for member, times in ((kept, 1), (gone, 2)):
        for _ in range(times):
            record = consume(member_id=member.pk, benefit=album, amount=1, at=AT, origin="api")
    reverse(record_id=record.pk, at=AT, origin="hand")
    assert (uses(kept, album), uses(gone, album)) == (1, 2), "what was taken back was used once"
    merge = merge_members(actor=operator, at=AT + DAY, survivor_id=kept.pk, absorbed_id=gone.pk)
    settle_due(at=AT + DAY)
    assert uses(kept, album) == 3
    assert has(kept, season)
    assert Balance.objects.get(member=kept, benefit=album).last_used_at == AT
    unmerge_members(record_id=merge.pk, actor=operator, at=AT + 2 * DAY)
    settle_due(at=AT + 2 * DAY)
    assert (uses(kept, album), uses(gone, album)) == (1, 2)


def test_a_benefit_only_the_absorbed_one_used_counts_for_the_survivor(operator) -> None:
    album = make_benefit()
    give(album, None, 9)
    kept, gone = (factories.make_member(at=AT - DAY) for _ in range(2))
    settle_members(member_ids=[gone.pk], at=AT)
    consume(member_id=gone.pk, benefit=album, amount=1, at=AT, origin="api")
    assert uses(kept, album) == 0
    merge_members(actor=operator, at=AT, survivor_id=kept.pk, absorbed_id=gone.pk)
    assert (uses(kept, album), uses(gone, album)) == (1, 0)
