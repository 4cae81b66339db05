"""Coupons from issue to their end: what is booked, what it costs, and what stays as it was."""

from datetime import datetime, timedelta
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction
from django_fsm import can_proceed

from config.audit.models import AuditEntry
from config.engine.refusal import Refused
from entitlements.offers import lifecycle, points
from entitlements.offers.models import Coupon, Offer, OfferBudget
from entitlements.offers.operations import issuing, redeeming, saving
from entitlements.offers.rules import Terms
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from members.segments.models import Segment, SegmentMembership
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests import factories
from tests.entitlements.offers.conftest import AT, DAY, make_offer

pytestmark = pytest.mark.django_db


def issue(offer, member, at=AT, **values):
    return issuing.issue_coupon(offer_id=offer.pk, member_id=member.pk, at=at, actor=None, **values)


def redeem(coupon, plan, order="o1", at=AT, member_id=None):
    return redeeming.redeem_coupon(
        member_id=member_id or coupon.member_id, code=coupon.code, plan=plan, order_ref=order, at=at, actor=None
    )


def refused(work, *args, **kwargs):
    with pytest.raises(Refused) as caught, transaction.atomic():
        work(*args, **kwargs)
    return caught.value.code


def segment_of(*members):
    segment = Segment.objects.create(name="S", kind="static", created_at=AT, updated_at=AT)
    for member in members:
        SegmentMembership.objects.create(segment=segment, member=member, entered_at=AT)
    return segment


def test_a_coupon_takes_nothing_off_a_plan_in_another_currency(offer, member, plan):
    coupon = issue(offer, member)
    abroad = factories.PlanFactory(tier=plan.tier, currency="JPY", price_cents=2000)
    assert refused(redeem, coupon, abroad) == "other_currency"
    assert not MembershipTerm.objects.exists()
    assert Coupon.objects.get().status == "issued"


def test_a_coupon_buys_once_at_its_price(offer, member, plan):
    coupon = issue(offer, member)
    assert len(coupon.code) == 23
    done = redeem(coupon, plan)
    assert (done.status, done.discount_cents, done.order_ref, done.plan_code) == ("redeemed", 500, "o1", plan.code)
    assert (done.term.price_cents, done.term.external_ref, done.term.kind) == (1400, "o1", "paid")
    assert redeem(coupon, plan).pk == done.pk
    assert MembershipTerm.objects.count() == 1
    assert refused(redeem, coupon, plan, "o2") == "redeemed"
    budget = OfferBudget.objects.get()
    assert (budget.issued, budget.redeemed, budget.spent_cents, budget.unused) == (1, 1, 500, 0)
    actions = set(AuditEntry.objects.filter(member_id=member.pk).values_list("action", flat=True))
    assert {"coupon.issued", "coupon.redeemed", "term.paid"} <= actions
    assert not AuditEntry.objects.filter(data__icontains=coupon.code).exists()


def test_one_order_takes_one_coupon(member, plan):
    first, second = (issue(make_offer(), member) for _ in range(2))
    redeem(first, plan)
    assert refused(redeem, second, plan, "o1") == "order_taken"
    factories.make_term(member=member, at=AT, plan=plan, external_ref="booked")
    assert refused(redeem, second, plan, "booked") == "order_taken"
    assert OfferBudget.objects.get(offer=second.offer).redeemed == 0


def test_nobody_redeems_anothers_coupon(offer, member, plan):
    coupon = issue(offer, member)
    other = factories.make_member(at=AT)
    assert refused(redeem, coupon, plan, member_id=other.pk) == "unknown"
    assert not MembershipTerm.objects.exists()


def test_each_member_has_as_many_as_the_offer_says(member):
    offer = make_offer(per_member=2)
    first, second = issue(offer, member), issue(offer, member)
    assert (first.ordinal, second.ordinal) == (1, 2)
    assert refused(issue, offer, member) == "has_enough"
    issuing.revoke_coupon(coupon_id=second.pk, actor=None, at=AT, reason="oops")
    assert refused(issuing.revoke_coupon, coupon_id=second.pk, actor=None, at=AT, reason="") == "not_unused"
    assert issue(offer, member).ordinal == 2
    budget = OfferBudget.objects.get(offer=offer)
    assert (budget.issued, budget.revoked, budget.unused) == (3, 1, 2)


def test_caps_hold(member, plan):
    offer = make_offer(max_coupons=1, budget_cents=700, per_member=5)
    coupon = issue(offer, member)
    assert refused(issue, offer, member) == "no_room"
    saving.save_offer(
        terms=offer.promise, actor=None, at=AT, offer_id=offer.pk, max_coupons=3, budget_cents=700, valid_days=7,
        per_member=5,
    )  # fmt: skip
    second = issue(offer, member)
    redeem(coupon, plan)
    assert refused(redeem, second, plan, "o2") == "budget_spent"
    assert MembershipTerm.objects.count() == 1
    assert OfferBudget.objects.get(offer=offer).spent_cents == 500
    assert (
        refused(saving.save_offer, terms=offer.promise, actor=None, at=AT, offer_id=offer.pk, budget_cents=499)
        == "below_spent"
    )
    assert (
        refused(saving.save_offer, terms=offer.promise, actor=None, at=AT, offer_id=offer.pk, max_coupons=1)
        == "below_issued"
    )


def test_a_coupon_keeps_the_terms_it_was_issued_with(offer, member, plan):
    coupon = issue(offer, member)
    changed = Terms.read({**offer.terms, "amount_cents": 1})
    saved = saving.save_offer(terms=changed, actor=None, at=AT, offer_id=offer.pk)
    assert (saved.version, coupon.version) == (2, 1)
    assert redeem(coupon, plan).discount_cents == 500
    assert issue(saved, factories.make_member(at=AT)).promise.amount_cents == 1


def test_a_paused_offer_waits_and_an_ended_one_honours_what_is_out(offer, member, plan):
    coupon = issue(offer, member)
    saving.pause_offer(offer_id=offer.pk, actor=None, at=AT)
    assert refused(redeem, coupon, plan) == "offer_paused"
    assert refused(issue, offer, factories.make_member(at=AT)) == "not_active"
    saving.end_offer(offer_id=offer.pk, actor=None, at=AT)
    assert refused(saving.activate_offer, offer_id=offer.pk, actor=None, at=AT) == "not_now"
    assert redeem(coupon, plan).status == "redeemed"


def test_what_is_paid_with_nothing_is_a_gift(member, plan):
    coupon = issue(make_offer("join_discount", terms={"percent": 100}), member)
    assert redeem(coupon, plan).term.kind == "gift"


def test_a_trial_extension_lengthens_the_trial(member, plan):
    trial = terms.start_trial(member_id=member.pk, plan=plan, at=AT, actor=None)
    done = redeem(issue(make_offer("trial_extension"), member), plan, at=AT + DAY)
    assert done.term.kind == "compensation"
    assert (done.term.starts_at, done.term.ends_at - trial.ends_at) == (trial.ends_at, 5 * DAY)


def test_a_trial_extension_starts_a_trial_where_there_is_none(member, plan):
    done = redeem(issue(make_offer("trial_extension"), member), plan)
    # Bought at noon: both end at a midnight.
    assert done.term.ends_at == AT + (plan.trial_days + 5.5) * DAY


def test_a_locked_price_holds_until_its_instant(member, plan):
    factories.make_term(member=member, at=AT - DAY, plan=plan)
    offer = make_offer("price_lock", terms={}, valid_days=30)
    coupon = issue(offer, member)
    assert redeeming.quote(member_id=member.pk, plan=plan, coupon=coupon, at=AT).refusal == "no_discount"
    plan.price_cents = 2900
    plan.save()
    assert redeem(coupon, plan, at=AT + 29 * DAY).term.price_cents == 1900


def test_a_return_pack_adds_days_and_the_ladder_grows(member, plan):
    term = factories.make_term(member=member, at=AT - 100 * DAY, plan=plan)
    away = (AT - term.ends_at).days
    pack = make_offer("return_pack", terms={"percent": 10, "bonus_days": 3, "days_away": 30})
    steps = [{"days_away": 7, "percent": 10}, {"days_away": 60, "percent": 50}]
    ladder = make_offer("return_ladder", terms={"steps": steps})
    found = redeeming.offer_for(member_id=member.pk, at=AT)
    assert (found.offer, found.step.days_away, found.worth_cents) == (ladder, 60, 950)
    early = redeeming.offer_for(member_id=member.pk, at=AT - (away - 10) * DAY)
    assert (early.offer, early.step.percent) == (ladder, 10)
    coupon = issue(pack, member)
    done = redeem(coupon, plan)
    assert (done.discount_cents, done.term.price_cents) == (190, 1710)
    bonus = MembershipTerm.objects.get(kind="compensation")
    assert (bonus.starts_at, bonus.ends_at - bonus.starts_at) == (done.term.ends_at, 3 * DAY)
    assert redeeming.offer_for(member_id=member.pk, at=AT) is None


def test_points_pay_through_their_door(member, plan, lend):
    with pytest.raises(Refused, match="points_closed"):
        make_offer("points_offset", terms={"cents_per_point": 1, "percent": 50})
    spent = []
    lend(points.KEEPERS)
    points.KEEPERS.register(points.PointsDoor(lambda pk, at: 300, lambda *spend: spent.append(spend)))
    coupon = issue(make_offer("points_offset", terms={"cents_per_point": 1, "percent": 50}), member)
    assert redeem(coupon, plan).term.price_cents == 1600
    assert spent == [(member.pk, 300, AT, f"coupon:{coupon.pk}")]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "UTC", ""])
def test_days_end_with_the_members_own_day(zone):
    member = factories.make_member(at=AT, time_zone=zone)
    offer = make_offer(valid_days=3)
    coupon = issue(offer, member)
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s AT TIME ZONE %s", [coupon.expires_at, zone or "Asia/Shanghai"])
        local = cursor.fetchone()[0]
        cursor.execute("SELECT (%s AT TIME ZONE %s)::date", [AT, zone or "Asia/Shanghai"])
        issued_on = cursor.fetchone()[0]
    assert local == datetime(issued_on.year, issued_on.month, issued_on.day) + timedelta(days=4)
    last = coupon.expires_at - timedelta(microseconds=1)
    plan = factories.PlanFactory()
    assert not redeeming.quote(member_id=member.pk, plan=plan, coupon=coupon, at=last).refusal
    assert redeeming.quote(member_id=member.pk, plan=plan, coupon=coupon, at=coupon.expires_at).refusal == "expired"
    assert issuing.expire_due(at=last) == 0
    assert issuing.expire_due(at=coupon.expires_at) == 1 == OfferBudget.objects.get(offer=offer).expired
    assert refused(redeem, coupon, plan, at=last) == "expired"


def test_the_offers_own_end_comes_first(member):
    until = AT + timedelta(hours=5)
    coupon = issue(make_offer(valid_days=3, valid_until=until, valid_from=AT + timedelta(hours=1)), member)
    assert coupon.expires_at == until
    assert redeeming.why_not(coupon, AT) == "not_yet"
    assert refused(issue, coupon.offer, factories.make_member(at=AT), at=until) == "not_active"


def test_a_refund_gives_the_coupon_back_only_where_the_offer_says_so(plan):
    kept, lost = make_offer(is_returned_on_refund=True), make_offer()
    for offer in (kept, lost):
        done = redeem(issue(offer, factories.make_member(at=AT)), plan, order=offer.code)
        terms.refund_term(term_id=done.term_id, at=AT + DAY, actor=None, reason="asked")
    assert issuing.give_back_refunded(at=AT + DAY) == 1
    assert issuing.give_back_refunded(at=AT + DAY) == 0
    back = Coupon.objects.get(offer=kept)
    assert (back.status, back.order_ref, back.term, back.discount_cents) == ("issued", None, None, 0)
    assert Coupon.objects.get(offer=lost).status == "redeemed"
    budget = OfferBudget.objects.get(offer=kept)
    assert (budget.redeemed, budget.spent_cents, budget.unused) == (0, 0, 1)


def test_a_segment_gets_it_once(offer):
    members = [factories.make_member(at=AT) for _ in range(5)]
    issue(offer, members[0])
    issuing.revoke_coupon(coupon_id=Coupon.objects.get().pk, actor=None, at=AT, reason="not her")
    segment = segment_of(*members)
    offer = Offer.objects.select_related("budget").get(pk=offer.pk)
    factories.PlanFactory(price_cents=2500)
    assert issuing.preview(offer=offer, segment=segment) == {
        "members": 5, "gets": 4, "has": 1, "over": 0, "most_cents": 2000,
    }  # fmt: skip
    run = issuing.issue_to_segment(offer_id=offer.pk, segment_id=segment.pk, actor=None, at=AT)
    again = refused(issuing.issue_to_segment, offer_id=offer.pk, segment_id=segment.pk, actor=None, at=AT)
    assert again == "running"
    assert issuing.work_run(run_id=run.pk, at=AT) == 4
    run.refresh_from_db()
    assert (run.status, run.issued) == ("done", 4)
    assert OfferBudget.objects.get().issued == 5
    assert len(set(Coupon.objects.values_list("code", flat=True))) == 5
    second = issuing.issue_to_segment(offer_id=offer.pk, segment_id=segment.pk, actor=None, at=AT)
    assert issuing.work_run(run_id=second.pk, at=AT) == 0


def test_a_run_in_batches_stops_at_the_cap(monkeypatch):
    monkeypatch.setattr(issuing, "BATCH", 2)
    offer = make_offer(max_coupons=5)
    segment = segment_of(*(factories.make_member(at=AT) for _ in range(7)))
    run = issuing.issue_to_segment(offer_id=offer.pk, segment_id=segment.pk, actor=None, at=AT)
    assert run.expected == 5
    assert issuing.work_run(run_id=run.pk, at=AT) == 5 == Coupon.objects.count()
    run.refresh_from_db()
    assert (run.status, run.stop_reason) == ("stopped", "no_room")


def test_a_merge_keeps_the_code_of_either_and_counts_right(offer, plan):
    survivor, absorbed = factories.make_member(at=AT), factories.make_member(at=AT)
    hers, used = issue(offer, survivor), redeem(issue(offer, absorbed), plan)
    other = issue(make_offer(), absorbed)
    record = merge_members(actor=None, at=AT, survivor_id=survivor.pk, absorbed_id=absorbed.pk)
    assert set(Coupon.objects.filter(member=survivor)) == {hers, used, other}
    assert sorted(Coupon.objects.filter(offer=offer).values_list("ordinal", flat=True)) == [1, 2]
    budget = OfferBudget.objects.get(offer=offer)
    assert (budget.issued, budget.redeemed, budget.unused) == (2, 1, 1)
    assert redeem(hers, plan, order="o2").status == "redeemed"
    unmerge_members(record_id=record.pk, actor=None, at=AT)
    assert set(Coupon.objects.filter(member=survivor)) == {hers}
    assert set(Coupon.objects.filter(offer=offer).values_list("ordinal", flat=True)) == {1}
    assert OfferBudget.objects.get(offer=offer).issued == 2


def test_a_cap_reached_while_merged_does_not_hinder_the_undo():
    offer = make_offer(max_coupons=2)
    survivor, absorbed, other = (factories.make_member(at=AT) for _ in range(3))
    for member in (survivor, absorbed):
        issue(offer, member)
    record = merge_members(actor=None, at=AT, survivor_id=survivor.pk, absorbed_id=absorbed.pk)
    with pytest.raises(Refused, match="no_room"):
        issue(offer, other)
    undone = unmerge_members(record_id=record.pk, actor=None, at=AT)
    assert "surplus" not in undone.kept
    assert {coupon.member_id for coupon in Coupon.objects.all()} == {survivor.pk, absorbed.pk}


def test_the_guards_are_those_of_the_moves():
    for table, edges in (("offer", lifecycle.OFFER_EDGES), ("coupon", lifecycle.COUPON_EDGES)):
        with connection.cursor() as cursor:
            cursor.execute("SELECT tgargs FROM pg_trigger WHERE tgname = %s", [f"{table}_edges"])
            declared = {part for part in bytes(cursor.fetchone()[0]).decode().split("\0") if part}
        assert declared == {f"{source}>{target}" for source, target in edges}


def test_the_database_refuses_other_edges(offer, member):
    coupon = issue(offer, member)
    issuing.revoke_coupon(coupon_id=coupon.pk, actor=None, at=AT, reason="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        Coupon.objects.filter(pk=coupon.pk).update(status="issued")
    with pytest.raises(IntegrityError), transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(status="draft")


def test_one_coupon_and_the_set_move_alike(offer):
    """django-fsm on one row and ``apply`` on the set agree on every move and status."""
    for status, is_returnable in product(lifecycle.CouponStatus.values, (True, False)):
        coupon = Coupon.objects.create(
            offer=offer, member=factories.make_member(at=AT), code=f"{status}{is_returnable}", status=status,
            source="manual", terms=offer.terms, version=1, is_returnable=is_returnable, issued_at=AT, valid_from=AT,
            expires_at=AT + DAY, finished_at=AT, order_ref=f"{status}{is_returnable}",
        )  # fmt: skip
        for move in lifecycle.COUPON_MOVES:
            with transaction.atomic():
                moved = Coupon.objects.filter(pk=coupon.pk).apply(move)
                transaction.set_rollback(True)
            assert can_proceed(getattr(coupon, move.name)) == bool(moved), (move.name, status)


def test_nothing_happens_for_who_was_merged_away(offer, plan):
    survivor, absorbed = factories.make_member(at=AT), factories.make_member(at=AT)
    merge_members(actor=None, at=AT, survivor_id=survivor.pk, absorbed_id=absorbed.pk)
    assert refused(issue, offer, absorbed) == "member_gone"
    with pytest.raises(Refused, match="member_gone"):
        redeeming.redeem_coupon(member_id=absorbed.pk, code="x", plan=plan, order_ref="o", at=AT, actor=None)


def test_a_first_purchase_price_is_had_once_even_while_a_gift_runs(member, plan):
    terms.give_term(member_id=member.pk, plan=plan, at=AT, actor=None)
    first, second = (issue(make_offer("first_purchase_price"), member) for _ in range(2))
    assert redeem(first, plan).term.starts_at > AT
    assert refused(redeem, second, plan, "o2") == "has_bought_before"


def test_a_first_purchase_price_of_nothing_is_had_once(member, plan):
    free = {"price_cents": 0}
    first, second = (issue(make_offer("first_purchase_price", terms=free), member) for _ in range(2))
    assert redeem(first, plan).term.kind == "gift"
    assert refused(redeem, second, plan, "o2") == "has_bought_before"


def test_the_same_order_with_another_plan_is_refused_by_name(offer, member, plan):
    coupon = issue(offer, member)
    redeem(coupon, plan)
    assert refused(redeem, coupon, factories.PlanFactory(tier=plan.tier)) == "order_of_other_plan"
