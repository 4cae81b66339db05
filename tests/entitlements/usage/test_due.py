"""What is due about a member is settled before a use or a check is answered."""

from datetime import timedelta

import pytest

from entitlements.grants.models import Balance
from entitlements.usage.gate import verdict
from entitlements.usage.models import UsageRecord
from entitlements.usage.operations.consuming import consume
from members.terms.operations import terms
from tests.entitlements.usage.conftest import AT, DAY, Ladder
from tests.entitlements.world import settle

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


class Member:
    """Somebody whom the engine has settled; what happens now it has not seen yet."""

    def __init__(self, ladder: Ladder, plan=None) -> None:
        self.benefit, self.plan = ladder.credit, ladder.plan
        self.member = ladder.member(plan)
        settle(self.member, AT)

    def use(self, amount: int, at, **values) -> UsageRecord:
        return consume(member_id=self.member.pk, benefit=self.benefit, amount=amount, at=at, origin="api", **values)

    def remaining(self, at) -> int | None:
        return verdict(member_id=self.member.pk, benefit=self.benefit, at=at, language="en").remaining


def test_who_has_just_paid_may_use_at_once(ladder):
    one = Member(ladder)
    terms.purchase(member_id=one.member.pk, plan=one.plan, at=AT + MINUTE, actor=None)
    record = one.use(40, AT + MINUTE, key="one")
    assert (record.outcome, record.granted_after, record.used_after) == ("used", 100, 40)
    assert one.use(40, AT + 2 * MINUTE, key="one").pk == record.pk


def test_who_has_just_paid_is_told_so(ladder):
    one = Member(ladder)
    terms.purchase(member_id=one.member.pk, plan=one.plan, at=AT + MINUTE, actor=None)
    assert one.remaining(AT + MINUTE) == 100


def test_who_just_got_the_money_back_uses_no_more(ladder):
    one = Member(ladder, ladder.plan)
    term = one.member.terms.get()
    assert one.use(40, AT).outcome == "used"
    terms.refund_term(term_id=term.pk, at=AT + MINUTE, actor=None, reason="")
    assert one.use(40, AT + MINUTE, key="two").outcome == "limit_reached"
    assert one.remaining(AT + MINUTE) == 0


def test_a_term_that_begins_by_itself_counts_from_its_first_moment(ladder):
    one = Member(ladder)
    terms.purchase(member_id=one.member.pk, plan=one.plan, at=AT, actor=None)
    settle(one.member, AT)
    end = one.member.terms.get().ends_at
    terms.purchase(member_id=one.member.pk, plan=ladder.gold_plan, at=AT + DAY, actor=None)
    assert one.remaining(AT + DAY) == 500
    assert one.remaining(end + DAY) is not None


def test_a_use_asks_nothing_more_while_nothing_is_due(ladder, django_assert_num_queries):
    one = Member(ladder, ladder.plan)
    # The statement itself is prepared; what is counted is the savepoint around it.
    with django_assert_num_queries(2):
        assert one.use(1, AT + MINUTE, key="three").outcome == "used"
    assert Balance.objects.get(member=one.member, benefit=one.benefit).used == 1
