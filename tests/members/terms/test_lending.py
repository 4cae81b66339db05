"""Cover lent for somebody else's term: exactly that long, beside nothing of her own, and cut short on demand."""

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


def lend(member, world, start, end, *, at=None, ref="r-1"):
    return terms.lend_cover(
        member_id=member.pk, tier=world.gold, starts_at=moment(start), ends_at=moment(end),
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
    assert (term.kind, term.plan, term.price_cents) == ("gift", None, 0)
    assert path(member) == ["prospect", "first_paid"]
    world.sweep(21)
    assert state(member).membership_status == "expired"


def test_the_same_reference_lends_once(world):
    member = world.member()
    assert lend(member, world, 1, 20) == lend(member, world, 1, 20)
    refused("external_ref_taken", lambda: lend(world.member(), world, 1, 20))


def test_it_lies_beside_nothing_of_her_own(world):
    member = world.member()
    own = terms.purchase(member_id=member.pk, plan=world.week, at=moment(5), actor=None)
    refused("already_covered", lambda: lend(member, world, 1, 20, at=6))
    refused("no_time_left", lambda: lend(member, world, 9, 9))
    lend(member, world, 12, 20, at=6)
    assert own.ends_at == moment(12)


def test_a_trial_gives_way_and_nothing_begins_before_that(world):
    member = world.member()
    trial = terms.start_trial(member_id=member.pk, plan=world.month, at=moment(0), actor=None)
    term = lend(member, world, -2, 20, at=3)
    trial.refresh_from_db()
    assert (trial.closed_at, trial.close_reason) == (moment(3), "converted")
    assert term.starts_at == moment(3)


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
