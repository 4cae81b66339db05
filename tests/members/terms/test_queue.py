"""Random lives against the plain model: no second is lost, none is given twice, and all lie where they should."""

import copy
import os
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from config.engine.refusal import Refused
from entitlements.offers.operations.issuing import issue_coupon
from entitlements.offers.operations.redeeming import redeem_coupon
from members.lifecycle.operations.sweep import judged_later
from members.people.rules import local_date
from members.plans.models import Plan, Tier
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.entitlements.offers.conftest import make_offer
from tests.members.imports.files import csv, written
from tests.members.terms.queue_model import COMPENSATION, DAY, GIFT, LENT, PAID, TRIAL, VOIDED, Due, Life
from tests.members.world import ZONE, World, moment

# Thousands of lives take minutes; the others of them run under MOC_SOAK.
LIVES = 2_400 if os.environ.get("MOC_SOAK") else 120
DEEDS = (
    ["buy"] * 6
    + ["buy_dated", "buy_dated", "buy_again", "buy_again", "renew", "coupon", "coupon"]
    + ["gift", "gift", "gift_now", "compensate", "trial", "trial", "refund", "refund"]
    + ["refund_part", "void", "void", "void", "change_tier", "renewing", "lend", "end_seat"]
)
FAR = 200 * 366 * DAY
# When one file brings terms for all of them, as a day after the first and as an instant.
FILE_DAY = 60
FILE_AT = moment(FILE_DAY)
COLUMNS = "会员编号,订单号,会期类型,方案,开始时间,到期时间,金额"


def seconds(at):
    return round(at.timestamp())


@dataclass(frozen=True)
class ImportRow:
    """A paid term as a file has it, for whole days; ``is_free``: nothing known covers any of that time."""

    ref: str
    plan: Plan
    starts_at: datetime
    ends_at: datetime
    is_free: bool

    def line(self, number):
        last_on = local_date(self.ends_at - timedelta.resolution, ZONE)
        price = f"{self.plan.price_cents / 100:.2f}"
        return f"{number},{self.ref},付费,{self.plan.code},{local_date(self.starts_at, ZONE)},{last_on},{price}"


class Twins:
    """One life lived twice: by the product and by the model."""

    def __init__(self, world, plans, offers, draw):
        self.world, self.plans, self.offers, self.draw = world, plans, offers, draw
        self.member = world.member()
        self.number = f"m{world.serial}"
        self.at = moment(draw.randrange(0, 30), draw.randrange(24))
        self.life = Life(now=seconds(self.at))
        self.due = {}
        self.deeds = []

    def live(self, deeds, until=None):
        for _ in range(deeds):
            later = self.at + timedelta(hours=self.draw.choice([0, 1, 7, 24, 50, 24 * 9, 24 * 40]))
            if until and later > until:
                return
            self.at = later
            deed = self.draw.choice(DEEDS)
            self.deeds.append((deed, self.at))
            try:
                getattr(self, f"do_{deed}")()
            except Refused as refused:
                self.deeds[-1] += (refused.code,)
                self.life.advance(seconds(self.at))

    def book(self, term, kind, **more):
        booked = term.booked_seconds or round((term.ends_at - term.starts_at).total_seconds())
        due = Due(
            f"{kind}-{term.pk}",
            kind,
            term.tier.position,
            seconds(self.at),
            booked,
            term.price_cents,
            seconds(term.dated_at) if term.dated_at else None,
            back_cents=max((due.back_cents for due in self.under(term.external_ref)), default=0),
            ref=term.external_ref,
        )
        self.due[term.pk] = self.life.book(due, seconds(self.at), starts_at=seconds(term.starts_at), **more)

    def under(self, ref):
        """What was booked under an order number before."""
        return [due for due in self.due.values() if ref and due.ref == ref]

    def new_ref(self):
        return f"o-{self.member.pk}-{len(self.deeds)}"

    def any_order(self):
        own = [(pk, due) for pk, due in self.due.items() if due.kind != LENT]
        if not own:
            raise Refused("none")
        return self.draw.choice(own)

    def do_buy(self):
        self.buy(self.draw.choice(self.plans), self.new_ref())

    def buy(self, plan, ref):
        self.book(terms.purchase(member_id=self.member.pk, plan=plan, at=self.at, actor=None, external_ref=ref), PAID)

    def do_buy_again(self):
        """The same number once more: the identical order is a no-op, one that was voided is booked anew."""
        bought = [pk for pk, due in self.due.items() if due.kind == PAID and due.ref]
        if not bought:
            raise Refused("none")
        pk = self.draw.choice(bought)
        order = MembershipTerm.objects.get(pk=pk)
        before = self.under(order.external_ref)
        if kept := [due for due in before if due.undone != VOIDED]:
            same = terms.purchase(
                member_id=self.member.pk,
                plan=order.plan,
                at=self.at,
                actor=None,
                external_ref=order.external_ref,
                price_cents=kept[0].paid_cents,
            )
            assert self.due[same.pk] is kept[0]
            self.life.advance(seconds(self.at))
            return
        went_back = max(due.back_cents for due in before)
        try:
            self.buy(order.plan, order.external_ref)
        except Refused:
            assert 0 < order.plan.price_cents <= went_back
            raise
        assert not 0 < order.plan.price_cents <= went_back

    def do_renew(self):
        self.book(terms.renew_membership(member_id=self.member.pk, at=self.at, actor=None, is_automatic=True), PAID)

    def do_coupon(self):
        """What a coupon books: a purchase for less, a gift where nothing is left to pay, days behind."""
        offer, plan = self.draw.choice(self.offers), self.draw.choice(self.plans)
        coupon = issue_coupon(offer_id=offer.pk, member_id=self.member.pk, at=self.at, actor=None)
        redeem_coupon(
            member_id=self.member.pk, code=coupon.code, plan=plan, order_ref=self.new_ref(), at=self.at, actor=None
        )
        for term in MembershipTerm.objects.orders().filter(member=self.member).exclude(pk__in=self.due).order_by("pk"):
            self.book(term, term.kind)

    def row(self):
        """A line of the file, or None; the order number, the days it covers, and whether that time is free."""
        if self.draw.random() < 0.5:
            return None
        first = FILE_DAY + self.draw.randrange(-60, 60)
        start, end = moment(first, 0), moment(first + self.draw.randrange(5, 90), 0)
        taken = [due.undone for a, b, due in self.lived().history if a < seconds(end) and b > seconds(start)]
        if VOIDED in taken:
            # What was voided never was; the model keeps its time, so it is left out.
            return None
        return ImportRow(f"f-{self.member.pk}", self.draw.choice(self.plans), start, end, not taken)

    def take_row(self, row):
        """Believe the file: the term is booked as it stands, or refused where it overlaps known cover."""
        self.at = max(self.at, FILE_AT)
        self.deeds.append(("file", row))
        term = MembershipTerm.objects.filter(member=self.member, external_ref=row.ref).first()
        assert (term is not None) == row.is_free, row
        self.life.advance(seconds(FILE_AT))
        if term is None:
            return
        assert (term.starts_at, term.ends_at) == (row.starts_at, row.ends_at)
        start, end = seconds(row.starts_at), seconds(row.ends_at)
        due = Due(f"{PAID}-{term.pk}", PAID, term.tier.position, seconds(FILE_AT), end - start, term.price_cents)
        due.ref = row.ref
        self.due[term.pk] = self.life.find(due, start, end, seconds(FILE_AT))

    def do_buy_dated(self):
        plan = self.draw.choice(self.plans)
        starts_at = self.at + timedelta(days=self.draw.randrange(1, 60))
        self.book(
            terms.purchase(member_id=self.member.pk, plan=plan, at=self.at, actor=None, starts_at=starts_at), PAID
        )

    def do_gift(self):
        plan = self.draw.choice(self.plans)
        self.book(terms.give_term(member_id=self.member.pk, plan=plan, at=self.at, actor=None), GIFT)

    def do_gift_now(self):
        plan = self.draw.choice(self.plans)
        term = terms.give_term(member_id=self.member.pk, plan=plan, at=self.at, actor=None, starts_now=True)
        self.book(term, GIFT, starts_now=True)

    def do_compensate(self):
        days = self.draw.randrange(1, 20)
        term = terms.compensate(member_id=self.member.pk, days=days, at=self.at, actor=None, reason="R")
        self.book(term, COMPENSATION)

    def do_trial(self):
        plan = self.draw.choice(self.plans)
        self.book(terms.start_trial(member_id=self.member.pk, plan=plan, at=self.at, actor=None), TRIAL)

    def do_refund(self):
        pk, due = self.any_order()
        cents = due.paid_cents - due.back_cents
        self.refund(pk, due, cents)

    def do_refund_part(self):
        pk, due = self.any_order()
        self.refund(pk, due, self.draw.randrange(1, 4000))

    def refund(self, pk, due, cents):
        try:
            terms.refund_orders(member_id=self.member.pk, amounts={pk: cents}, at=self.at, actor=None, reason="R")
        except Refused:
            assert not self.life.refund(due, cents, seconds(self.at))
            raise
        assert self.life.refund(due, cents, seconds(self.at))

    def do_void(self):
        pk, due = self.any_order()
        if due.kind == TRIAL and due.handed_on:
            raise Refused("its time is somebody else's")
        if due.undone == "voided":
            return
        try:
            terms.void_term(term_id=pk, at=self.at, actor=None, reason="R")
        except Refused:
            assert not self.life.void(due, seconds(self.at))
            raise
        assert self.life.void(due, seconds(self.at))

    def do_change_tier(self):
        pk, due = self.any_order()
        tier = self.draw.choice(self.world.tiers)
        try:
            terms.change_tier(term_id=pk, tier=tier, at=self.at, actor=None, reason="R")
        except Refused:
            assert not self.life.change_tier(due, tier.position, seconds(self.at))
            raise
        assert self.life.change_tier(due, tier.position, seconds(self.at))

    def do_renewing(self):
        self.life.auto_renewal = not self.life.auto_renewal
        terms.switch_auto_renewal(member_id=self.member.pk, on=self.life.auto_renewal, at=self.at, actor=None)
        self.life.advance(seconds(self.at))

    def do_lend(self):
        tier = self.draw.choice(self.world.tiers)
        starts_at = self.at + timedelta(days=self.draw.choice([0, 0, 5]))
        ends_at = starts_at + timedelta(days=self.draw.randrange(1, 60))
        term = terms.lend_cover(
            member_id=self.member.pk,
            tier=tier,
            starts_at=starts_at,
            ends_at=ends_at,
            at=self.at,
            actor=None,
            external_ref=f"seat-{self.member.pk}-{len(self.deeds)}",
        )
        due = Due(
            f"lent-{term.pk}",
            LENT,
            tier.position,
            seconds(self.at),
            0,
            dated_at=seconds(starts_at),
            until=seconds(ends_at),
        )
        self.life.lend(due, seconds(self.at))
        self.due[term.pk] = due

    def do_end_seat(self):
        seats = [(pk, due) for pk, due in self.due.items() if due.kind == LENT]
        if not seats:
            return
        pk, due = self.draw.choice(seats)
        terms.end_cover(term_id=pk, at=self.at, actor=None, reason="R")
        self.life.end_seat(due, seconds(self.at))

    # What both made of it

    def lived(self):
        """The model's life to its end."""
        life = copy.deepcopy(self.life)
        life.advance(seconds(self.at) + FAR)
        return life

    def expected(self):
        life = self.lived()
        life.check()
        return [(start, end, due.name) for start, end, due in life.history]

    def money(self):
        """What was paid and what went back, of each order by both."""
        rows = MembershipTerm.objects.orders().filter(member=self.member).exclude(kind=LENT)
        return (
            {row.pk: (row.price_cents, row.refunded_cents) for row in rows},
            {pk: (due.paid_cents, due.back_cents) for pk, due in self.due.items() if due.kind != LENT},
        )

    def booked(self):
        spans = []
        names = {pk: due.name for pk, due in self.due.items()}
        rows = MembershipTerm.objects.filter(member=self.member).order_by("starts_at", "pk")
        for row in rows:
            start, end = seconds(row.starts_at), seconds(row.effective_ends_at)
            name = names[row.order_id]
            if end <= start:
                continue
            if (spans and spans[-1][1:] == (start, name)) or (spans and spans[-1][1] == start and spans[-1][2] == name):
                spans[-1] = (spans[-1][0], end, name)
            else:
                spans.append((start, end, name))
        return spans


@pytest.fixture
def world():
    world = World()
    silver = Tier.objects.create(code="silver", name="Silver", position=0)
    diamond = Tier.objects.create(code="diamond", name="Diamond", position=3)
    world.tiers = [silver, world.gold, world.black, diamond]
    return world


@pytest.fixture
def plans(world):
    make = Plan.objects.create
    silver, gold, _black, diamond = world.tiers
    return [
        world.month,
        world.week,
        world.black_month,
        make(code="silver-year", name="S", tier=silver, duration_unit="year", price_cents=120_000, trial_days=5),
        make(code="silver-week", name="SW", tier=silver, duration_unit="week", price_cents=300),
        make(code="gold-year", name="G", tier=gold, duration_unit="year", price_cents=30_000),
        make(code="diamond-days", name="D", tier=diamond, duration_unit="day", duration_count=10, price_cents=0),
    ]


@pytest.fixture
def offers(db):
    at = moment(-1)
    return [
        make_offer("threshold_discount", at=at, terms={"amount_cents": 500, "threshold_cents": 1}),
        make_offer("join_discount", at=at, terms={"percent": 100}),
        make_offer("trial_extension", at=at, terms={"days": 5}),
        make_offer("return_pack", at=at, terms={"bonus_days": 4, "percent": 50, "days_away": 1}),
    ]


@pytest.mark.django_db
def test_random_lives_come_out_as_the_policy_says(world, plans, offers, operator):
    with judged_later():
        lives = []
        for seed in range(LIVES):
            twins = Twins(world, plans, offers, random.Random(seed))
            twins.live(twins.draw.randrange(0, 7), until=FILE_AT)
            lives.append(twins)
        rows = [(twins, row) for twins in lives if (row := twins.row())]
        file = csv(COLUMNS, [row.line(twins.number) for twins, row in rows])
        written(file, actor=operator, at=FILE_AT, profile="terms", mode="valid")
        for twins, row in rows:
            twins.take_row(row)
        for seed, twins in enumerate(lives):
            twins.live(twins.draw.randrange(2, 8))
            told = "\n".join(f"{deed}" for deed in twins.deeds)
            assert readable(twins.booked()) == readable(twins.expected()), f"seed {seed}\n{told}"
            booked, due = twins.money()
            assert booked == due, f"seed {seed}\n{told}"


def readable(spans):
    return [
        (f"{datetime.fromtimestamp(a, UTC):%m-%d %H:%M} – {datetime.fromtimestamp(b, UTC):%Y-%m-%d %H:%M}", name)
        for a, b, name in spans
    ]
