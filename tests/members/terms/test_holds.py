"""The hold behind a chain of cover is the same in the database as in plain Python."""

import random
from datetime import timedelta

import pytest
from django.db import connection

from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import sweep
from members.plans.models import Plan
from members.terms.models import MembershipTerm
from members.terms.operations.terms import queue_of
from tests.members.world import ZONE, World, moment, state

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
KINDS = ["paid", "paid", "gift", "compensation", "lent", "trial"]


def history(world, draw):
    """A member with past terms of all kinds, some refunded or voided, with gaps or without; and an instant after it."""
    member = world.member()
    at = moment(0)
    for _ in range(draw.randrange(1, 7)):
        at += draw.choice([0, 0, 20, 60, 80, 400]) * HOUR
        start, at = at, at + draw.choice([5, 24, 24 * 9]) * HOUR
        taken = draw.choice(["", "", "", "refunded_at", "voided_at"])
        MembershipTerm.objects.create(
            member=member,
            tier=draw.choice([world.gold, world.black]),
            plan=draw.choice([None, world.week, world.month]),
            kind=draw.choice(KINDS),
            starts_at=start,
            ends_at=at + 24 * HOUR if taken else at,
            closed_at=at if taken else None,
            close_reason={"refunded_at": "refund", "voided_at": "void"}.get(taken, ""),
            price_cents=100,
            anchor_on=start.date(),
            booked_at=start,
            **({taken: at} if taken else {}),
        )
    return member, at + draw.choice([0, 1, 40, 100]) * HOUR


def test_the_database_and_python_hold_alike():
    world = World()
    Plan.objects.filter(pk=world.week.pk).update(grace_days=1)
    for seed in range(80):
        member, at = history(world, random.Random(seed))
        hold = queue_of(member.pk, at).hold
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM members_hold(%s, %s, %s, 3)", [member.pk, at, ZONE])
            term_id, until = cursor.fetchone()
        if hold is None:
            assert (term_id, until) == (None, None), seed
            continue
        assert until == hold.until, seed
        assert MembershipTerm.objects.get(pk=term_id).tier_id == hold.tier_id, seed


def test_the_engine_holds_for_as_long():
    """What the statement over everybody says of who is without cover is what the hold says."""
    world = World()
    held = 0
    for seed in range(80):
        member, at = history(world, random.Random(seed))
        MemberLifecycle.objects.filter(pk=member.pk).mark_due(at)
        sweep(at=at)
        hold = queue_of(member.pk, at).hold
        is_held = hold is not None and hold.until > at
        held += is_held
        assert (state(member).membership_status == "grace") == is_held, seed
    assert held
