"""Cover lent for somebody else's term: own cover lies over it or waits, and it is cut short on demand."""

import pytest

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.members.world import World, moment, path, state

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


def lend(member, world, start, end, *, at=None, ref="r-1", tier=None):
    return terms.lend_cover(
        member_id=member.pk, tier=tier or world.gold, starts_at=moment(start), ends_at=moment(end),
        at=moment(start if at is None else at), actor=None, external_ref=ref,
    )  # fmt: skip


def refused(code, work):
    booked = MembershipTerm.objects.count()
    with pytest.raises(Refused, match=rf"^{code}$"):
        work()
    assert MembershipTerm.objects.count() == booked


def test_lent_cover_lasts_as_long_as_it_is_said_to(world):
    member = world.member()
    term = lend(member, world, 1, 20)
    assert (term.starts_at, term.ends_at) == (moment(1), moment(20))
    assert (term.kind, term.plan, term.price_cents) == ("lent", None, 0)
    assert path(member) == ["prospect", "first_paid"]
    world.sweep(21)
    assert state(member).membership_status == "expired"


def test_the_same_reference_lends_once(world):
    member = world.member()
    assert lend(member, world, 1, 20) == lend(member, world, 1, 20)
    refused("external_ref_taken", lambda: lend(world.member(), world, 1, 20))


def spans(member):
    rows = MembershipTerm.objects.filter(member=member, period__isempty=False).order_by("starts_at")
    return [(row.kind, row.starts_at, row.effective_ends_at) for row in rows]


def test_own_cover_of_the_same_tier_lies_over_it_and_what_is_left_is_lent_again(world):
    member = world.member()
    own = terms.purchase(member_id=member.pk, plan=world.week, at=moment(5), actor=None)
    lend(member, world, 6, 20, at=6)
    assert spans(member) == [("paid", moment(5), own.ends_at), ("lent", own.ends_at, moment(20))]
    refused("no_time_left", lambda: lend(member, world, 9, 9, at=6, ref="r-2"))
    terms.refund_term(term_id=own.pk, at=moment(7), actor=None, reason="R")
    assert spans(member) == [("paid", moment(5), moment(7)), ("lent", moment(7), moment(20))]


def test_own_cover_of_a_lower_tier_waits_and_starts_in_full_when_it_ends(world):
    member = world.member()
    lend(member, world, 1, 20, tier=world.black)
    own = terms.purchase(member_id=member.pk, plan=world.month, at=moment(5), actor=None)
    assert (own.starts_at, state(member).tier_id) == (moment(20), world.black.pk)
    length = own.ends_at - own.starts_at
    seat = MembershipTerm.objects.orders().get(member=member, kind="lent")
    terms.end_cover(term_id=seat.pk, at=moment(10), actor=None, reason="R")
    assert spans(member) == [("lent", moment(1), moment(10)), ("paid", moment(10), moment(10) + length)]


def test_it_bridges_grace_but_is_no_paid_link(world):
    member, other = world.member(), world.member()
    paid = terms.purchase(member_id=member.pk, plan=world.week, at=moment(0), actor=None)
    for who in (member, other):
        lend(who, world, 0, 20, at=1, ref=f"r-{who.pk}")
    assert paid.ends_at < moment(20)
    world.sweep(21)
    assert (state(member).membership_status, state(other).membership_status) == ("grace", "expired")


def test_a_trial_of_the_same_tier_runs_on_over_it(world):
    member = world.member()
    trial = terms.start_trial(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    lend(member, world, -2, 20, at=3)
    assert spans(member) == [("trial", moment(0), trial.ends_at), ("lent", trial.ends_at, moment(20))]


def test_it_ends_early_and_keeps_what_was(world):
    member = world.member()
    term = lend(member, world, 1, 20)
    ended = terms.end_cover(term_id=term.pk, at=moment(4), actor=None, reason="R")
    assert ended.effective_ends_at == moment(4)
    assert terms.end_cover(term_id=term.pk, at=moment(6), actor=None, reason="R").effective_ends_at == moment(4)
    assert state(member).membership_status == "expired"
    assert AuditEntry.objects.filter(action="term.lent_ended", member_id=member.pk).count() == 1


def test_what_was_bought_is_not_ended_so(world):
    member = world.member()
    own = terms.purchase(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    with pytest.raises(Refused, match=r"^not_lent$"):
        terms.end_cover(term_id=own.pk, at=moment(4), actor=None, reason="R")
    own.refresh_from_db()
    assert own.closed_at is None
