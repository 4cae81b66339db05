"""What a page says before the press is what the press does: every verb of terms is tried, taken back, and then done."""

import os
import random
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from campaigns.models import Enrollment, MessageIntent
from campaigns.operations.planning import plan as plan_messages
from config.audit.models import AuditEntry
from config.engine import clock
from config.engine.refusal import Refused
from config.engine.rehearsal import rehearsal
from entitlements.grants.models import Grant
from entitlements.memory.operations.locking import lock_renewal
from entitlements.offers.models import Coupon, OfferBudget
from entitlements.offers.operations.issuing import issue_coupon
from entitlements.seats.models import Seat
from members.lifecycle.operations.sweep import catch_up, judged_later
from members.people.models import Member
from members.people.rules import last_day, local_date
from members.plans.models import Plan, Tier
from members.terms.consequences import CONSEQUENCES
from members.terms.console.forms import terms as forms
from members.terms.console.pages import TermOutlook
from members.terms.models import MembershipTerm, MemberSignal
from members.terms.operations import terms
from members.terms.operations.rehearsing import Facts, Outlook
from tests import factories
from tests.campaigns.world import member_ending
from tests.entitlements.memory.scene import Scene
from tests.entitlements.offers.conftest import make_offer
from tests.entitlements.seats.world import Families
from tests.entitlements.world import settle
from tests.members.world import ZONE, moment

pytestmark = pytest.mark.django_db

# Lives that end in a drawer; many more of them under MOC_SOAK.
LIVES = 3_000 if os.environ.get("MOC_SOAK") else 240
BEFORE = (
    "buy",
    "buy",
    "buy",
    "buy_dated",
    "gift",
    "gift_now",
    "compensate",
    "trial",
    "refund",
    "void",
    "lend",
    "renewing",
)


@pytest.fixture
def hands(monkeypatch):
    """``hands(at)``: the clock that forms read stands at an instant."""

    def stand(at):
        monkeypatch.setattr(clock, "now", lambda: at)

    return stand


def outlook_of(form, actor, at):
    form.is_valid()
    return TermOutlook(form, actor=actor, at=at, is_asked=True)


def seen(page):
    """All that a page shows."""
    return {
        "payment": page.payment,
        "refunds": page.refunds,
        "lines": page.lines,
        "order": page.order_days,
        "last day": page.last_on,
        "states": page.states,
        "gains": page.gains,
        "ends": page.ends,
    }


def done(form, actor, at):
    """What the page would have shown, had it waited for the press and for the workers behind it."""
    before = Facts.read(form.member.pk, at)
    assert form.carry_out(actor=actor, at=at), form.errors
    for one in CONSEQUENCES:
        one.follow(form.member.pk, at)
    page = TermOutlook(form, actor=actor, at=at, is_asked=False)
    page.outlook = Outlook(before, Facts.read(form.member.pk, at))
    return page


def covered(member, at):
    """What runs and waits by the rows themselves: order, first and last day."""
    rows = MembershipTerm.objects.filter(member=member).open_or_upcoming(at)
    found = []
    for row in rows:
        if found and found[-1][0] == (row.order_id, row.tier_id) and found[-1][3] == row.starts_at:
            found[-1] = (*found[-1][:2], last_day(row.ends_at, ZONE), row.ends_at)
        else:
            found.append(
                (
                    (row.order_id, row.tier_id),
                    local_date(row.starts_at, ZONE),
                    last_day(row.ends_at, ZONE),
                    row.ends_at,
                )
            )
    return [(first, last) for _order, first, last, _end in found]


TABLES = (MembershipTerm, MemberSignal, Coupon, OfferBudget, Grant, Seat, MessageIntent, Enrollment, AuditEntry)


def counts():
    return [model.objects.count() for model in TABLES]


# Random lives ------------------------------------------------------------------------------------------------------


@dataclass
class Life:
    """One member whose history ends in front of a drawer."""

    member: Member
    plans: list[Plan]
    tiers: list[Tier]
    offers: list
    draw: random.Random
    at: object
    deeds: list

    def live(self, deeds):
        """Deeds at random; of some the benefits are settled all along, so that there is something to remember."""
        settles = self.draw.random() < 0.4
        with judged_later():
            self._live(deeds, settles=settles)
        catch_up(member_ids=[self.member.pk], at=self.at)
        settle(self.member, self.at)

    def _live(self, deeds, *, settles):
        for _ in range(deeds):
            if settles:
                settle(self.member, self.at)
            self.at += timedelta(hours=self.draw.choice([0, 5, 24, 50, 24 * 9, 24 * 33]))
            deed = self.draw.choice(BEFORE)
            self.deeds.append(deed)
            try:
                getattr(self, deed)()
            except Refused as refused:
                self.deeds[-1] += f" ({refused.code})"
        if settles:
            settle(self.member, self.at)
        self.at += timedelta(hours=self.draw.choice([1, 24, 24 * 4, 24 * 20, 24 * 40]))

    def some_plan(self):
        return self.draw.choice(self.plans)

    def orders(self, **of):
        return list(MembershipTerm.objects.orders().filter(member=self.member, **of).exclude(kind="lent"))

    def call(self, verb, **values):
        return verb(member_id=self.member.pk, at=self.at, actor=None, **values)

    def buy(self):
        self.call(terms.purchase, plan=self.some_plan(), auto_renewal=self.draw.choice([None, None, True]))

    def buy_dated(self):
        later = self.at + timedelta(days=self.draw.randrange(1, 60))
        self.call(terms.purchase, plan=self.some_plan(), starts_at=later)

    def gift(self):
        self.call(terms.give_term, plan=self.some_plan())

    def gift_now(self):
        self.call(terms.give_term, plan=self.some_plan(), starts_now=True)

    def compensate(self):
        self.call(terms.compensate, days=self.draw.randrange(1, 20), reason="R")

    def trial(self):
        self.call(terms.start_trial, plan=self.some_plan())

    def renewing(self):
        self.call(terms.switch_auto_renewal, on=self.draw.random() < 0.5)

    def lend(self):
        ends_at = self.at + timedelta(days=self.draw.randrange(1, 60))
        ref = f"seat-{self.member.pk}-{len(self.deeds)}"
        tier = self.draw.choice(self.tiers)
        self.call(terms.lend_cover, tier=tier, starts_at=self.at, ends_at=ends_at, external_ref=ref)

    def refund(self):
        if paid := self.orders(kind="paid"):
            terms.refund_term(term_id=self.draw.choice(paid).pk, at=self.at, actor=None, reason="R")

    def void(self):
        if orders := self.orders():
            terms.void_term(term_id=self.draw.choice(orders).pk, at=self.at, actor=None, reason="R")

    # The drawer

    def coupon(self):
        if self.draw.random() < 0.4:
            return ""
        offer = self.draw.choice(self.offers)
        return str(issue_coupon(offer_id=offer.pk, member_id=self.member.pk, at=self.at, actor=None).pk)

    def form(self):
        """A drawer at random, filled in at random."""
        kind = self.draw.choice(["purchase"] * 4 + ["renew"] * 2 + ["gift", "trial", "refund", "void", "void", "tier"])
        orders = self.orders(kind="paid") if kind == "refund" else self.orders()
        if kind in ("refund", "void", "tier") and not orders:
            kind = "purchase"
        self.deeds.append(kind)
        term = self.draw.choice(orders) if kind in ("refund", "void", "tier") else None
        return self.build(kind, term)

    def build(self, kind, term):
        plan = str(self.some_plan().pk)
        paid = {"plan": plan, "coupon": self.coupon(), "price": ""}
        if not paid["coupon"] and self.draw.random() < 0.3:
            paid["price"] = "12.5"
        later = (self.at + timedelta(days=9)).date().isoformat() if self.draw.random() < 0.2 else ""
        make, data = {
            "purchase": (forms.PurchaseForm, paid | {"starts_at": later, "auto_renewal": self.draw.choice(["", "on"])}),
            "renew": (forms.RenewForm, paid | {"plan": self.draw.choice(["", plan])}),
            "gift": (forms.GiftForm, {"plan": plan, "starts_now": self.draw.choice(["", "on"])}),
            "trial": (forms.TrialForm, {"plan": plan, "reason": "R"}),
            "refund": (forms.RefundForm, {"amount": self.draw.choice(["", "5"]), "reason": "R"}),
            "void": (forms.VoidForm, {"reason": "R"}),
            "tier": (forms.ChangeTierForm, {"tier": str(self.draw.choice(self.tiers).pk), "reason": "R"}),
        }[kind]
        return make(data, member=self.member, term=term)


@pytest.fixture
def scene(db):
    return Scene()


@pytest.fixture
def tiers(scene):
    silver = Tier.objects.create(code="silver", name="Silver", position=0)
    diamond = Tier.objects.create(code="diamond", name="Diamond", position=3)
    return [silver, scene.world.gold, scene.world.black, diamond]


@pytest.fixture
def plans(scene, tiers):
    make = Plan.objects.create
    silver, gold, _black, diamond = tiers
    return [
        scene.world.month,
        scene.world.week,
        scene.world.black_month,
        make(code="silver-year", name="S", tier=silver, duration_unit="year", price_cents=120_000, trial_days=5),
        make(code="gold-year", name="G", tier=gold, duration_unit="year", price_cents=30_000),
        make(code="tokyo", name="T", tier=gold, price_cents=980, currency="JPY"),
        make(code="diamond-days", name="D", tier=diamond, duration_unit="day", duration_count=10, price_cents=2_000),
    ]


@pytest.fixture
def offers(scene):
    many = {"at": moment(-1), "per_member": 99, "valid_days": 900}
    return [
        make_offer("threshold_discount", terms={"amount_cents": 500, "threshold_cents": 1}, **many),
        make_offer("join_discount", terms={"percent": 100}, is_returned_on_refund=True, **many),
        make_offer("renewal_discount", terms={"percent": 20}, is_returned_on_refund=True, **many),
        make_offer("return_pack", terms={"bonus_days": 4, "percent": 50, "days_away": 1}, **many),
        make_offer("first_purchase_price", terms={"price_cents": 990}, **many),
    ]


@dataclass
class Drawers:
    """How many of each sort the lives came to; each must have been there."""

    shown: int = 0
    refused: int = 0
    with_coupon: int = 0
    restoring: int = 0
    setting_aside: int = 0
    resuming: int = 0

    def count(self, page):
        self.shown += 1
        self.with_coupon += bool(page.form.data.get("coupon"))
        self.restoring += any(effect.text == "Come back from memory" for effect in page.gains)
        self.setting_aside += any(line.change == "set_aside" for line in page.lines)
        self.resuming += any(line.change == "resumes" for line in page.lines)


@pytest.mark.timeout(1_500)
def test_what_is_shown_is_what_is_done_over_random_lives(scene, plans, tiers, offers, operator, hands):
    drawers = Drawers()
    for seed in range(LIVES):
        # Of each life alone, the locks of the tables that settling makes and drops are given back.
        with transaction.atomic():
            draw = random.Random(seed)
            life = Life(scene.world.member(), plans, tiers, offers, draw, moment(draw.randrange(20)), [])
            end_in_a_drawer(life, operator, hands, drawers)
            transaction.set_rollback(True)
    assert all(vars(drawers).values()), drawers
    assert drawers.shown > LIVES / 2, drawers


def end_in_a_drawer(life, operator, hands, drawers):
    life.live(life.draw.randrange(0, 6))
    hands(life.at)
    form = life.form()
    told = f"{life.deeds} {form.data}"
    before = counts(), Facts.read(life.member.pk, life.at).stretches
    page = outlook_of(form, operator, life.at)
    shown = seen(page)
    assert (counts(), Facts.read(life.member.pk, life.at).stretches) == before, told
    if not page.may_press:
        drawers.refused += 1
        assert not form.is_valid() or not form.carry_out(actor=operator, at=life.at), told
        return
    assert seen(done(form, operator, life.at)) == shown, told
    assert [(line.starts_on, line.last_on) for line in page.lines] == covered(life.member, life.at), told
    if chosen := getattr(form, "chosen", None):
        coupon = Coupon.objects.get(pk=chosen.pk)
        assert (coupon.status, coupon.term.price_cents) == ("redeemed", chosen.total_cents), told
        assert page.payment.paid_cents == chosen.total_cents, told
    drawers.count(page)


# By name -----------------------------------------------------------------------------------------------------------


def preview(client, name, pk, **data):
    """The part of a drawer that htmx asks for as the fields change."""
    headers = {"HX-Request": "true", "HX-Target": "term-outlook"}
    response = client.post(reverse(f"members:{name}", args=[pk]), {"preview": "1", **data}, headers=headers)
    assert response.status_code == 200
    assert "HX-Target" in response["Vary"]
    return response.content.decode()


def test_what_is_remembered_is_named_before_the_press_and_withdrawn_by_a_refund(scene, operator, hands):
    scene.lapse()
    at = moment(50)
    hands(at)
    form = forms.PurchaseForm({"plan": scene.world.month.pk}, member=scene.member)
    page = outlook_of(form, operator, at)
    back = next(effect for effect in page.gains if effect.text == "Come back from memory")
    assert set(back.things) == {"Downloads × 20", "Cinema", "Album", "Voucher × 3"}
    assert not Grant.objects.filter(source="restore").exists()
    form.carry_out(actor=operator, at=at)
    settle(scene.member, at)
    assert {code for code, *_rest in scene.restored()} == {"downloads", "cinema", "album", "voucher"}
    term = MembershipTerm.objects.latest("pk")
    page = outlook_of(forms.RefundForm({}, member=scene.member, term=term), operator, at)
    assert any(effect.text == "Had come back from memory, and go again" for effect in page.ends)


def test_a_renewal_names_the_messages_it_cancels_and_gives_them_up_only_when_pressed(operator, now, hands):
    term = member_ending(now + timedelta(days=5))
    plan_messages(at=now)
    pending = MessageIntent.objects.filter(member=term.member, status="pending")
    n = pending.count()
    assert n
    form = forms.RenewForm({}, member=term.member)
    page = outlook_of(form, operator, now)
    assert [effect.text for effect in page.ends] == [f"{n} planned messages are cancelled: Renewed"]
    assert pending.count() == n
    form.carry_out(actor=operator, at=now)
    Enrollment.objects.cancel(at=now)
    assert not pending.exists()


def test_a_locked_price_is_paid_and_named_as_used_up(scene, operator, hands):
    term = terms.purchase(
        member_id=scene.member.pk, plan=scene.world.month, at=moment(0), actor=None, auto_renewal=True
    )
    at = term.ends_at - timedelta(days=2)
    lock_renewal(member_id=scene.member.pk, at=at, actor=None)
    Plan.objects.filter(pk=scene.world.month.pk).update(price_cents=9_900)
    hands(at)
    page = outlook_of(forms.RenewForm({}, member=scene.member), operator, at)
    assert (page.payment.paid_cents, page.payment.price_cents) == (3_000, 9_900)
    assert page.payment.why == "as agreed with the member"
    assert ("The price locked for the renewal is used up", ("¥30",)) in [(one.text, one.things) for one in page.ends]


def test_seats_that_end_with_their_owners_term_are_counted(operator, hands):
    families = Families()
    for _ in range(2):
        families.gives(families.member())
    families.follows(2)
    hands(moment(3))
    page = outlook_of(forms.RefundForm({}, member=families.owner, term=families.bought), operator, moment(3))
    assert "2 lent seats end" in [effect.text for effect in page.ends]
    assert Seat.objects.open().count() == 2


def test_coupons_used_up_fitting_no_more_and_coming_back(operator, now):
    member = factories.make_member(at=now - timedelta(days=40))
    plan = factories.PlanFactory(price_cents=3_000)
    offers = [
        make_offer("threshold_discount", is_returned_on_refund=True, name="Off"),
        make_offer("first_purchase_price", name="First"),
    ]
    off, first = (issue_coupon(offer_id=one.pk, member_id=member.pk, at=now, actor=None) for one in offers)
    form = forms.PurchaseForm({"plan": plan.pk, "coupon": off.pk}, member=member)
    page = outlook_of(form, operator, now)
    told = {effect.text: effect.things for effect in page.ends}
    assert told["Coupons used up"] == ("Off",)
    assert told["Coupons that apply to no plan any more"] == ("First",)
    assert page.payment.paid_cents == 2_500
    form.carry_out(actor=operator, at=now)
    term = MembershipTerm.objects.get()
    page = outlook_of(forms.RefundForm({}, member=member, term=term), operator, now)
    told = {effect.text: effect.things for effect in page.gains}
    assert (told["Coupons that come back"], told["Coupons that apply again"]) == (("Off",), ("First",))
    page = outlook_of(forms.VoidForm({}, member=member, term=term), operator, now)
    assert ("Coupons that stay used up", ("Off",)) in [(one.text, one.things) for one in page.ends]
    assert Coupon.objects.get(pk=first.pk).status == "issued"


def test_a_trial_that_a_purchase_closes_and_a_void_brings_back(operator_client, admin_client, now):
    member = factories.make_member(at=now - timedelta(days=3))
    plan = factories.PlanFactory()
    terms.start_trial(member_id=member.pk, plan=plan, at=now - timedelta(days=2), actor=None)
    shown = preview(operator_client, "purchase", member.pk, plan=plan.pk)
    assert "The trial ends now, and what was left of it is added" in shown
    term = terms.purchase(member_id=member.pk, plan=plan, at=now, actor=None)
    shown = preview(admin_client, "void", term.pk)
    assert "goes on" in shown
    assert "Trial term" in shown


REFUSED = {
    "another currency": ({"plan": "yen", "coupon": "off"}, "not valid for plans in another currency"),
    "no first purchase": ({"plan": "month", "coupon": "first"}, "the member has bought before"),
    "beyond the calendar": ({"plan": "ages"}, "The calendar does not reach that far."),
    "the number of another order": ({"plan": "month", "external_ref": "O-1", "price": "5"}, "booked at another price"),
    "a coupon and a price": ({"plan": "month", "coupon": "off", "price": "5"}, "The coupon gives the price"),
    "no amount": ({"plan": "month", "price": "five"}, "Write an amount"),
    "no plan": ({"plan": ""}, "Fill in"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_be_refused_is_said_with_the_button_off_and_nothing_written(case, operator_client, now):
    member = factories.make_member(at=now - timedelta(days=40))
    plans = {
        "month": factories.PlanFactory(price_cents=3_000),
        "yen": factories.PlanFactory(currency="JPY"),
        "ages": factories.PlanFactory(duration_unit="year", duration_count=9_000),
    }
    factories.make_term(
        member=member, at=now - timedelta(days=3), plan=plans["month"], external_ref="O-1", price_cents=9
    )
    coupons = {
        "off": issue_coupon(offer_id=make_offer().pk, member_id=member.pk, at=now, actor=None),
        "first": issue_coupon(offer_id=make_offer("first_purchase_price").pk, member_id=member.pk, at=now, actor=None),
    }
    data, words = REFUSED[case]
    known = {**plans, **coupons}
    data = {name: known[value].pk if value in known else value for name, value in data.items()}
    before = counts()
    shown = preview(operator_client, "purchase", member.pk, **data)
    assert words in shown
    button = shown[shown.index('id="term-submit"') :]
    assert "disabled" in button[: button.index(">")]
    response = operator_client.post(reverse("members:purchase", args=[member.pk]), data)
    assert response.status_code == 422
    assert counts() == before


def test_an_order_that_is_booked_already_is_said_to_change_nothing(operator_client, now):
    member = factories.make_member(at=now - timedelta(days=40))
    plan = factories.PlanFactory()
    factories.make_term(member=member, at=now - timedelta(days=3), plan=plan, external_ref="O-1")
    shown = preview(operator_client, "purchase", member.pk, plan=plan.pk, external_ref="O-1")
    assert "This order is booked already; nothing changes." in shown
    assert "No day moves." in shown


def test_coupons_that_do_not_apply_are_named_with_the_reason(operator_client, now):
    member = factories.make_member(at=now)
    plan = factories.PlanFactory(price_cents=900)
    offer = make_offer("threshold_discount", name="Big spender")
    issue_coupon(offer_id=offer.pk, member_id=member.pk, at=now, actor=None)
    shown = preview(operator_client, "purchase", member.pk, plan=plan.pk)
    assert "1 coupon does not apply" in shown
    assert "The discount needs a price of at least ¥10" in shown


def test_in_chinese(operator_client, now):
    member = factories.make_member(at=now - timedelta(days=40))
    plan = factories.PlanFactory(name_zh="黄金月卡", price_cents=3_000)
    factories.make_term(member=member, at=now - timedelta(days=3), plan=plan)
    offer = make_offer("renewal_discount", name_zh="续费八折")
    coupon = issue_coupon(offer_id=offer.pk, member_id=member.pk, at=now, actor=None)
    operator_client.cookies["django_language"] = "zh-hans"
    shown = preview(operator_client, "renew", member.pk, coupon=coupon.pk)
    for words in ("应付", "¥24", "会员期最后一天", "黄金月卡", "将被使用的优惠券", "续费八折"):
        assert words in shown
    operator_client.cookies["django_language"] = translation.get_language()


def test_without_scripts_the_page_shows_it_first_and_then_offers_the_press(operator_client, now):
    member = factories.make_member(at=now)
    plan = factories.PlanFactory(price_cents=3_000)
    address = reverse("members:purchase", args=[member.pk])
    page = operator_client.get(address).content.decode()
    assert "Show what it will do" in page
    assert "Book the purchase</button>" not in page
    page = operator_client.post(address, {"plan": plan.pk, "preview": "1"}).content.decode()
    assert "What runs and waits then" in page
    assert "Book the purchase</button>" in page
    assert "Show what it will do" not in page
    assert not MembershipTerm.objects.exists()


def mark_in(page):
    start = page.index('name="seen" value="') + len('name="seen" value="')
    return page[start : page.index('"', start)]


def test_a_press_that_saw_something_else_is_shown_again(operator_client, now):
    member = factories.make_member(at=now - timedelta(days=5))
    plan = factories.PlanFactory(price_cents=3_000)
    address = reverse("members:purchase", args=[member.pk])
    mark = mark_in(preview(operator_client, "purchase", member.pk, plan=plan.pk))
    term = factories.make_term(member=member, at=now, plan=plan)
    response = operator_client.post(address, {"plan": plan.pk, "seen": mark})
    assert response.status_code == 422
    assert "This has changed since you looked" in response.content.decode()
    assert MembershipTerm.objects.get() == term
    mark = mark_in(preview(operator_client, "purchase", member.pk, plan=plan.pk))
    assert operator_client.post(address, {"plan": plan.pk, "seen": mark}).status_code == 302
    assert MembershipTerm.objects.count() == 2


def test_a_viewer_may_not_even_ask(viewer_client, now):
    member = factories.make_member(at=now)
    term = factories.make_term(member=member, at=now)
    for name, pk in (("purchase", member.pk), ("renew", member.pk), ("refund", term.pk), ("void", term.pk)):
        headers = {"HX-Request": "true", "HX-Target": "term-outlook"}
        response = viewer_client.post(reverse(f"members:{name}", args=[pk]), {"preview": "1"}, headers=headers)
        assert response.status_code == 403


def test_a_coupon_of_somebody_else_is_no_choice(operator_client, now):
    member, other = factories.make_member(at=now), factories.make_member(at=now)
    plan = factories.PlanFactory(price_cents=3_000)
    coupon = issue_coupon(offer_id=make_offer().pk, member_id=other.pk, at=now, actor=None)
    address = reverse("members:purchase", args=[member.pk])
    assert operator_client.post(address, {"plan": plan.pk, "coupon": coupon.pk}).status_code == 422
    assert not MembershipTerm.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_whose_row_is_being_changed_is_said_to_be_busy(operator, now, monkeypatch):
    monkeypatch.setattr("config.engine.rehearsal.LOCK_TIMEOUT", "50ms")
    member = factories.make_member(at=now)
    form = forms.PurchaseForm({"plan": factories.PlanFactory().pk}, member=member)
    somebody = connection.copy()
    somebody.set_autocommit(False)
    try:
        with somebody.cursor() as cursor:
            cursor.execute("SELECT FROM members_memberlifecycle WHERE member_id = %s FOR UPDATE", [member.pk])
            page = outlook_of(form, operator, now)
    finally:
        somebody.rollback()
        somebody.close()
    assert page.refusals == ["Somebody is changing this right now. Try again in a moment."]
    assert not page.may_press
    assert outlook_of(form, operator, now).may_press


def test_what_waits_for_the_commit_of_a_rehearsal_is_never_called(now, django_capture_on_commit_callbacks):
    called = []
    with django_capture_on_commit_callbacks(execute=True), rehearsal():
        factories.make_member(at=now)
        transaction.on_commit(lambda: called.append(1))
    assert not Member.objects.exists()
    assert called == []


def test_as_many_questions_for_many_coupons_and_messages_as_for_one(operator_client, now):
    member = factories.make_member(at=now - timedelta(days=40))
    plan = factories.PlanFactory(price_cents=3_000)
    factories.make_term(member=member, at=now - timedelta(days=3), plan=plan)

    def asked():
        with CaptureQueriesContext(connection) as captured:
            preview(operator_client, "renew", member.pk)
        return len(captured)

    offer = make_offer(per_member=99)
    issue_coupon(offer_id=offer.pk, member_id=member.pk, at=now, actor=None)
    asked()
    few = asked()
    for _ in range(15):
        issue_coupon(offer_id=offer.pk, member_id=member.pk, at=now, actor=None)
        terms.purchase(member_id=member.pk, plan=plan, at=now, actor=None)
    assert asked() == few < 150
