"""Operations that take something back, and what may happen between the act and its undoing.

``Scene`` is a small company in which everything that can be taken back was done once. An undo is registered by
``@undo``, any other later act by ``@act``; each is a method that takes the instant. A new operation that takes
something back belongs here.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns.lifecycle import RUN
from campaigns.models import Campaign, MessageIntent, Suppression
from campaigns.operations import sending, settings, unsubscribing
from campaigns.operations.planning import plan as plan_messages
from config.engine.moves import make_move
from config.staff.access import Role
from entitlements.benefits.models import LadderVersion, Pack, PackBenefit
from entitlements.benefits.operations.saving import archive_benefit, restore_benefit
from entitlements.codes.operations import pools
from entitlements.grants.operations.giving import give_grant, give_pack, void_grant
from entitlements.grants.operations.settling import settle_due, settle_members
from entitlements.honours.operations import adorning, advising, running
from entitlements.memory.operations import locking
from entitlements.offers.operations import issuing, redeeming, saving
from entitlements.seats.models import Seat
from entitlements.seats.operations import seating
from entitlements.seats.operations.plans import save_seat_plan
from entitlements.tiers.operations import assessing, manual
from entitlements.usage.operations.consuming import consume, reverse
from members.events.models import EventDefinition
from members.events.operations import keys
from members.events.operations.recording import record_events
from members.imports.operations.undo import start_undo
from members.imports.operations.uploads import receive, start_check
from members.imports.operations.work import work
from members.imports.operations.writes import confirm
from members.lifecycle.operations.sweep import sweep
from members.merging.models import DuplicatePair
from members.merging.operations import finding
from members.merging.operations.merging import gather_strays, merge_members
from members.merging.operations.unmerging import unmerge_members
from members.people.models import Consent, Member
from members.people.operations import people
from members.plans.models import Plan
from members.plans.operations import save_plan
from members.segments.models import Segment
from members.segments.operations.refreshing import refresh_all
from members.segments.operations.saving import archive_segment, save_segment
from members.segments.schema import read_rule
from members.tags.operations.carrying import give_tag, take_tag
from members.tags.operations.refreshing import refresh_due, refresh_tag
from members.tags.operations.saving import save_tag, switch_off, switch_on
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests import factories
from tests.entitlements import making
from tests.entitlements.offers.conftest import make_offer

DAY = timedelta(days=1)
Deed = Callable[["Scene", datetime], Any]
UNDOS: dict[str, Deed] = {}
ACTS: dict[str, Deed] = {}


def rule_of(condition: dict[str, Any]) -> Any:
    return read_rule({"version": 1, "root": {"kind": "all", "items": [condition]}})


def undo(deed: Deed) -> Deed:
    UNDOS[deed.__name__] = deed
    return deed


def act(deed: Deed) -> Deed:
    ACTS[deed.__name__] = deed
    return deed


class Scene:
    """Ann, into whom Ben was merged, owns a family in which Cy has a seat; Dee owns another with Eve. Fay's month
    ends soon, Gus got one as a gift, Hal has nothing, Ivy no membership."""

    def __init__(self, at: datetime) -> None:
        self.admin = factories.UserFactory(role=Role.ADMIN)
        self.colleague = factories.UserFactory(role=Role.OPERATOR)
        self._make_catalogue(at - 60 * DAY)
        make = factories.make_member
        self.ann, self.ben, self.cy, self.dee, self.eve, self.fay, self.gus, self.hal, self.ivy = (
            make(at=at - 60 * DAY) for _ in range(9)
        )
        self._give_terms(at - 20 * DAY)
        self._give_benefits(at - 15 * DAY)
        self._give_the_rest(at - 15 * DAY)
        self.settle(at - 10 * DAY)
        self.use = self._consume(self.ann, at - 9 * DAY)
        self._consume(self.ben, at - 9 * DAY)
        self.file = self._import(at - 8 * DAY)
        plan_messages(at=at - 8 * DAY)
        self.pair = DuplicatePair.objects.create(
            member_a=self.fay, member_b=self.gus, reasons=["phone"], strength=85, found_at=at - 8 * DAY
        )
        self.dismissed = DuplicatePair.objects.create(
            member_a=self.gus, member_b=self.hal, reasons=["phone"], strength=85, found_at=at - 8 * DAY
        )
        finding.dismiss_pair(pair_id=self.dismissed.pk, actor=self.admin, at=at - 8 * DAY)
        self.merge = self.merge_into(self.ann, self.ben, at - 7 * DAY)
        self.settle(at - 7 * DAY)

    def _make_catalogue(self, at: datetime) -> None:
        self.gold, self.black = factories.TierFactory(position=11), factories.TierFactory(position=12)
        make = Plan.objects.create
        self.month = make(code="month", name="Month", tier=self.gold, price_cents=3_000, trial_days=7)
        self.week = make(code="week", name="Week", tier=self.gold, duration_unit="week", price_cents=900)
        self.family = make(code="family", name="Family", tier=self.gold, duration_unit="year", price_cents=50_000)
        self.top = make(code="top", name="Top", tier=self.black, price_cents=9_000)
        save_seat_plan(plan=self.family, kind="family", seats=2, tier=None, actor=self.admin, at=at)
        self.offer = make_offer(at=at, valid_days=200, per_member=3, max_coupons=4, budget_cents=1_000)
        self.returnable = make_offer(at=at, valid_days=200, is_returned_on_refund=True)
        values = {"created_at": at}
        self.voucher = making.make_benefit(period="term", **values)
        self.downloads = making.make_benefit(**values)
        self.title = making.make_benefit(kind="access", category="emotional", **values)
        self.advice = making.make_benefit(kind="access", category="emotional", **values)
        self.spare = making.make_benefit(**values)
        for tier, amount in ((self.gold, 5), (self.black, 20)):
            making.give(self.voucher, tier, amount)
            making.give(self.downloads, tier, amount)
            making.give(self.advice, tier)
        self.pack = Pack.objects.create(code="light", name="Light", is_light=True)
        PackBenefit.objects.create(pack=self.pack, benefit=self.downloads, amount=5)
        adorning.adorn_benefit(benefit_id=self.title.pk, actor=self.admin, at=at, form="badge")
        adorning.adorn_benefit(benefit_id=self.advice.pk, actor=self.admin, at=at, form="adviser")
        self.pool = pools.save_pool(actor=self.admin, at=at, code="pool", partner="Cinema", name="Pool", low_stock=1)
        pools.take_in(pool_id=self.pool.pk, codes=[f"code-{n}" for n in range(3)], actor=self.admin, at=at)
        self.shop = factories.SourceFactory(code="shop")
        EventDefinition.objects.create(name="bought", carries_money=True, is_activity=False)
        self.key, _ = keys.make_key(source_id=self.shop.pk, label="Shop", scopes=["events"], actor=self.admin, at=at)
        self.ladder = LadderVersion.objects.get(status="active")

    def _give_terms(self, at: datetime) -> None:
        self.own = self.buy(self.ann, self.family, at, "ann-1")
        self.bens = self.buy(self.ben, self.month, at - 35 * DAY, "ben-1")
        self.seat = seating.give_seat(owner_id=self.ann.pk, member_id=self.cy.pk, at=at, actor=self.admin)
        self.buy(self.dee, self.family, at, "dee-1")
        self.other_seat = seating.give_seat(owner_id=self.dee.pk, member_id=self.eve.pk, at=at, actor=self.admin)
        self.buy(self.fay, self.month, at - 8 * DAY, "fay-1", auto_renewal=True)
        self.gift = terms.give_term(member_id=self.gus.pk, plan=self.month, at=at, actor=self.admin)

    def _give_benefits(self, at: datetime) -> None:
        who = (self.ann, self.ben, self.fay, self.gus, self.ivy)
        self.grants = {
            one.pk: give_grant(
                member_id=one.pk,
                benefit=self.downloads,
                amount=7,
                source="manual",
                actor=self.admin,
                at=at,
                reason="R",
            )
            for one in who
        }
        for one in who:
            give_pack(member_id=one.pk, pack=self.pack, actor=self.admin, at=at)
            pools.claim_code(pool_id=self.pool.pk, member_id=one.pk, actor=self.admin, at=at) if one in who[:2] else 0
        self.coupons = {
            one.pk: issuing.issue_coupon(offer_id=self.offer.pk, member_id=one.pk, at=at, actor=self.admin)
            for one in (self.ann, self.ben)
        }
        issuing.issue_coupon(offer_id=self.returnable.pk, member_id=self.ivy.pk, at=at, actor=self.admin)
        issuing.issue_coupon(offer_id=self.returnable.pk, member_id=self.ann.pk, at=at, actor=self.admin)
        spent = issuing.issue_coupon(offer_id=self.returnable.pk, member_id=self.gus.pk, at=at, actor=self.admin)
        self.redeemed = redeeming.redeem_coupon(
            member_id=self.gus.pk, code=spent.code, plan=self.month, order_ref="gus-1", at=at, actor=self.admin
        )
        for one, tier in ((self.ann, self.gold), (self.ben, self.black), (self.fay, self.gold), (self.ivy, self.black)):
            manual.give_tier(
                member_id=one.pk, tier_id=tier.pk, reason="R", until=at + 90 * DAY, actor=self.admin, at=at
            )

    def _give_the_rest(self, at: datetime) -> None:
        self.tag = save_tag(name="Guest", kind="custom", actor=self.admin, at=at)
        everybody = rule_of({"kind": "profile.city", "op": "is_not", "values": ["Nowhere"]})
        self.ruled = save_tag(name="Known", kind="custom", rule=everybody, actor=self.admin, at=at)
        self.segment = save_segment(rule=everybody, actor=self.admin, at=at, name="Everybody")
        refresh_tag(tag_id=self.ruled.pk, at=at)
        for one in (self.ann, self.ben, self.fay, self.ivy):
            give_tag(member_id=one.pk, tag_id=self.tag.pk, actor=self.admin, at=at)
        self.settle(at)
        for one in (self.ann, self.fay):
            advising.assign_adviser(member_id=one.pk, adviser_id=self.colleague.pk, actor=self.admin, at=at)
        for one, is_granted in ((self.ann, True), (self.ben, False), (self.ivy, False)):
            Consent.objects.create(member=one, channel="email", is_granted=is_granted, changed_at=at, source="console")
        year = at.year - 1
        for one, cents in ((self.ann, 500), (self.ben, 900), (self.fay, 100)):
            for then in (year, year - 1):
                self.pay(one, cents, datetime(then, 6, 1, tzinfo=at.tzinfo), at)
        honour = running.save_honour(
            honour_id=None, actor=self.admin, at=at, code="friend", name="Friend", measure="spend", top=3,
            benefit=self.title,
        )  # fmt: skip
        self.run = self._count(honour.pk, year, at)
        running.confirm_run(run_id=self.run.pk, counted_at=self.run.counted_at, actor=self.admin, at=at)
        self.draft_run = self._count(honour.pk, year - 1, at)
        self.honour = honour
        self.suppression = Suppression.objects.create(
            channel="email", address="x@example.com", cause="refused", since=at
        )
        campaign = Campaign.objects.get(code="renewal-cadence")
        if campaign.status == "draft":
            make_move(campaign, RUN)
            campaign.save(update_fields=["status"])

    def _count(self, honour_id: int, year: int, at: datetime) -> Any:
        run = running.begin_run(honour_id=honour_id, year=year, actor=self.admin, at=at)
        return running.count_run(run_id=run.pk, at=at)

    def _import(self, at: datetime) -> Any:
        known = self.hal.identities.get(kind="external_id").value
        text = f"external_id,city\n{known},Paris\nnew-1,London\n"
        run = receive(upload=SimpleUploadedFile("m.csv", text.encode()), actor=self.admin, at=at)
        start_check(run_id=run.pk, mapping=run.mapping, options={})
        work(run_id=run.pk, at=at)
        confirm(run_id=run.pk, mode="all", actor=self.admin, at=at)
        work(run_id=run.pk, at=at)
        run.refresh_from_db()
        assert run.status == "done", (run.status, run.failure_code)
        self.imported = Member.objects.get(identities__value="new-1")
        return run

    # Shorthands

    def buy(self, member: Member, plan: Plan, at: datetime, ref: str | None = None, **more: Any) -> MembershipTerm:
        return terms.purchase(member_id=member.pk, plan=plan, at=at, actor=self.admin, external_ref=ref, **more)

    def pay(self, member: Member, cents: int, happened: datetime, at: datetime) -> None:
        row = {
            "member_id": member.pk,
            "name": "bought",
            "occurred_at": happened,
            "message_id": f"{member.pk}-{happened}",
        }
        record_events(rows=[row | {"value_cents": cents, "currency": "CNY"}], source=self.shop, at=at)

    def merge_into(self, survivor: Member, absorbed: Member, at: datetime) -> Any:
        return merge_members(actor=self.admin, at=at, survivor_id=survivor.pk, absorbed_id=absorbed.pk)

    def _consume(self, member: Member, at: datetime) -> Any:
        return consume(member_id=member.pk, benefit=self.downloads, amount=1, at=at, origin="api")

    def settle(self, at: datetime) -> None:
        """What the workers do by themselves."""
        sweep(at=at)
        assessing.look_at_everybody(at=at)
        assessing.assess(at=at)
        seating.follow_seats(at=at)
        gather_strays(at=at)
        settle_due(at=at)
        settle_members(member_ids=list(Member.objects.values_list("pk", flat=True)), at=at)
        issuing.expire_due(at=at)
        issuing.give_back_refunded(at=at)
        refresh_due(at=at)

    # What takes something back

    @undo
    def unmerge(self, at):
        unmerge_members(actor=self.admin, at=at, record_id=self.merge.pk)

    @undo
    def take_tag_back(self, at):
        take_tag(member_id=self.ann.pk, tag_id=self.tag.pk, actor=self.admin, at=at)

    @undo
    def switch_tag_off(self, at):
        switch_off(tag_id=self.ruled.pk, actor=self.admin, at=at)

    @undo
    def archive_the_segment(self, at):
        archive_segment(segment_id=self.segment.pk, actor=self.admin, at=at)

    @undo
    def refund(self, at):
        terms.refund_orders(
            member_id=self.current(self.own.pk),
            amounts={self.own.pk: self.own.price_cents},
            at=at,
            actor=self.admin,
            reason="R",
        )

    @undo
    def refund_absorbed(self, at):
        terms.refund_orders(
            member_id=self.current(self.bens.pk), amounts={self.bens.pk: 3_000}, at=at, actor=self.admin, reason="R"
        )

    @undo
    def refund_part(self, at):
        terms.refund_orders(
            member_id=self.current(self.own.pk), amounts={self.own.pk: 700}, at=at, actor=self.admin, reason="R"
        )

    @undo
    def void(self, at):
        terms.void_term(term_id=self.own.pk, at=at, actor=self.admin, reason="R")

    @undo
    def void_absorbed(self, at):
        terms.void_term(term_id=self.bens.pk, at=at, actor=self.admin, reason="R")

    @undo
    def void_gift(self, at):
        terms.void_term(term_id=self.gift.pk, at=at, actor=self.admin, reason="R")

    @undo
    def void_lent(self, at):
        lent = MembershipTerm.objects.filter(seat_term__seat=self.seat).earliest("pk")
        terms.void_term(term_id=lent.pk, at=at, actor=self.admin, reason="R")

    @undo
    def void_redeemed(self, at):
        terms.void_term(term_id=self.redeemed.term_id, at=at, actor=self.admin, reason="R")

    @undo
    def refund_redeemed(self, at):
        term = MembershipTerm.objects.get(pk=self.redeemed.term_id)
        terms.refund_orders(
            member_id=term.member_id, amounts={term.pk: term.price_cents}, at=at, actor=self.admin, reason="R"
        )

    @undo
    def take_seat_back(self, at):
        seating.end_seat(seat_id=self.seat.pk, reason=Seat.EndReason.TAKEN_BACK, at=at, actor=self.admin)

    @undo
    def take_other_seat_back(self, at):
        seating.end_seat(seat_id=self.other_seat.pk, reason=Seat.EndReason.LEFT, at=at, actor=self.admin)

    @undo
    def undo_import(self, at):
        if start_undo(run_id=self.file.pk, actor=self.admin, at=at):
            work(run_id=self.file.pk, at=at)

    @undo
    def revoke_coupon(self, at):
        issuing.revoke_coupon(coupon_id=self.coupons[self.ann.pk].pk, actor=self.admin, at=at, reason="R")

    @undo
    def revoke_absorbed_coupon(self, at):
        issuing.revoke_coupon(coupon_id=self.coupons[self.ben.pk].pk, actor=self.admin, at=at, reason="R")

    @undo
    def pause_offer(self, at):
        saving.pause_offer(offer_id=self.offer.pk, actor=self.admin, at=at)

    @undo
    def end_offer(self, at):
        saving.end_offer(offer_id=self.offer.pk, actor=self.admin, at=at)

    @undo
    def void_grant_of_ann(self, at):
        void_grant(grant_id=self.grants[self.ann.pk].pk, actor=self.admin, at=at, reason="R")

    @undo
    def void_grant_of_ben(self, at):
        void_grant(grant_id=self.grants[self.ben.pk].pk, actor=self.admin, at=at, reason="R")

    @undo
    def reverse_use(self, at):
        reverse(record_id=self.use.pk, at=at, origin="hand", actor=self.admin)

    @undo
    def take_tier_back(self, at):
        manual.take_tier_back(member_id=self.ann.pk, reason="R", actor=self.admin, at=at)

    @undo
    def void_honour(self, at):
        running.void_run(run_id=self.run.pk, actor=self.admin, at=at, reason="R")

    @undo
    def discard_honour(self, at):
        running.discard_run(run_id=self.draft_run.pk, actor=self.admin, at=at)

    @undo
    def strip_title(self, at):
        adorning.strip_benefit(benefit_id=self.title.pk, actor=self.admin, at=at)

    @undo
    def unassign_adviser(self, at):
        advising.unassign_adviser(member_id=self.ann.pk, actor=self.admin, at=at)

    @undo
    def archive_spare(self, at):
        archive_benefit(benefit_id=self.spare.pk, actor=self.admin, at=at)

    @undo
    def reopen_pair(self, at):
        finding.reopen_pair(pair_id=self.dismissed.pk, actor=self.admin, at=at)

    @undo
    def dismiss_pair(self, at):
        finding.dismiss_pair(pair_id=self.pair.pk, actor=self.admin, at=at)

    @undo
    def revoke_key(self, at):
        keys.revoke_key(key_id=self.key.pk, actor=self.admin, at=at)

    @undo
    def switch_renewal_off(self, at):
        terms.switch_auto_renewal(member_id=self.fay.pk, on=False, at=at, actor=self.admin)

    @undo
    def lift_suppression(self, at):
        settings.lift_suppression(suppression_id=self.suppression.pk, actor=self.admin, at=at)

    @undo
    def unlock_renewal(self, at):
        lock = self.lock_fay(at - DAY / 2)
        locking.unlock(lock_id=lock.pk, at=at, actor=self.admin)

    # What may come between

    def current(self, term_id: int) -> int:
        return MembershipTerm.objects.get(pk=term_id).member_id

    def lock_fay(self, at):
        return locking.lock_renewal(member_id=self.fay.pk, at=at, actor=self.admin)

    @act
    def nothing(self, at):
        pass

    @act
    def forty_days_pass(self, at):
        self.settle(at)

    @act
    def survivor_buys_more(self, at):
        self.buy(self.ann, self.top, at, "ann-2")

    @act
    def survivor_buys_seats_again(self, at):
        self.buy(self.ann, self.family, at, "ann-3")

    @act
    def holder_buys(self, at):
        self.buy(self.cy, self.month, at, "cy-1")

    @act
    def holder_buys_higher(self, at):
        self.buy(self.cy, self.top, at, "cy-2")

    @act
    def order_number_taken(self, at):
        self.buy(self.hal, self.month, at, "ben-1")

    @act
    def void_and_book_anew(self, at):
        terms.void_term(term_id=self.bens.pk, at=at, actor=self.admin, reason="R")
        self.buy(self.hal, self.month, at, "ben-1")

    @act
    def renew(self, at):
        terms.renew_membership(member_id=self.fay.pk, at=at, actor=None, is_automatic=True)

    @act
    def renewal_fails(self, at):
        terms.record_renewal_failure(member_id=self.fay.pk, at=at, actor=None)

    @act
    def compensate_survivor(self, at):
        terms.compensate(member_id=self.ann.pk, days=5, at=at, actor=self.admin, reason="R")

    @act
    def give_survivor_a_term(self, at):
        terms.give_term(member_id=self.ann.pk, plan=self.month, at=at, actor=self.admin)

    @act
    def change_tier(self, at):
        terms.change_tier(term_id=self.own.pk, tier=self.black, at=at, actor=self.admin, reason="R")

    @act
    def merge_survivor_on(self, at):
        self.merge_into(self.fay, self.ann, at)

    @act
    def merge_another_in(self, at):
        self.merge_into(self.ann, self.fay, at)

    @act
    def merge_another_in_and_out(self, at):
        record = self.merge_into(self.ann, self.fay, at)
        unmerge_members(actor=self.admin, at=at + DAY / 4, record_id=record.pk)

    @act
    def merge_one_without_terms_in(self, at):
        self.merge_into(self.ann, self.ivy, at)

    @act
    def merge_one_without_terms_in_and_out(self, at):
        record = self.merge_into(self.ann, self.ivy, at)
        unmerge_members(actor=self.admin, at=at + DAY / 4, record_id=record.pk)

    @act
    def merge_survivor_into_one_without_terms(self, at):
        self.merge_into(self.ivy, self.ann, at)

    @act
    def merge_holders(self, at):
        self.merge_into(self.cy, self.eve, at)

    @act
    def merge_owners(self, at):
        self.merge_into(self.ann, self.dee, at)

    @act
    def merge_owner_and_holder(self, at):
        self.merge_into(self.ann, self.cy, at)

    @act
    def merge_imported(self, at):
        self.merge_into(self.ann, self.imported, at)

    @act
    def merge_pair(self, at):
        self.merge_into(self.fay, self.gus, at)

    @act
    def give_another_seat(self, at):
        seating.give_seat(owner_id=self.ann.pk, member_id=self.hal.pk, at=at, actor=self.admin)

    @act
    def redeem_coupon(self, at):
        self.redeem(self.coupons[self.ann.pk], at, "r-1")

    @act
    def redeem_absorbed_coupon(self, at):
        self.redeem(self.coupons[self.ben.pk], at, "r-2")

    def redeem(self, coupon, at, ref):
        """As the member does who holds the code: by whoever they are now."""
        redeeming.redeem_coupon(
            member_id=self.ann.pk, code=coupon.code, plan=self.month, order_ref=ref, at=at, actor=self.admin
        )

    @act
    def reach_the_caps(self, at):
        for one in (self.fay, self.gus, self.hal, self.cy, self.dee):
            left = saving.locked(self.offer.pk).budget
            if left.issued < left.max_coupons:
                issuing.issue_coupon(offer_id=self.offer.pk, member_id=one.pk, at=at, actor=self.admin)

    @act
    def survivor_gets_a_coupon(self, at):
        issuing.issue_coupon(offer_id=self.offer.pk, member_id=self.ann.pk, at=at, actor=self.admin)

    @act
    def lower_the_caps(self, at):
        saving.save_offer(
            terms=self.offer.promise, actor=self.admin, at=at, offer_id=self.offer.pk, max_coupons=2, budget_cents=500,
            name=self.offer.name, valid_days=200,
        )  # fmt: skip

    @act
    def last_code_is_claimed(self, at):
        pools.claim_code(pool_id=self.pool.pk, member_id=self.fay.pk, actor=self.admin, at=at)

    @act
    def survivor_uses(self, at):
        for _ in range(3):
            self._consume(self.ann, at)
            consume(member_id=self.ann.pk, benefit=self.voucher, amount=1, at=at, origin="api")

    @act
    def give_survivor_a_grant(self, at):
        give_grant(member_id=self.ann.pk, benefit=self.voucher, amount=3, source="manual", actor=self.admin, at=at)

    @act
    def give_survivor_a_tier(self, at):
        manual.give_tier(member_id=self.ann.pk, tier_id=self.black.pk, reason="R", until=None, actor=self.admin, at=at)

    @act
    def give_tag_again(self, at):
        take_tag(member_id=self.ann.pk, tag_id=self.tag.pk, actor=self.admin, at=at)
        give_tag(member_id=self.ann.pk, tag_id=self.tag.pk, actor=self.admin, at=at + DAY / 8)

    @act
    def give_ruled_tag_by_hand(self, at):
        give_tag(member_id=self.ann.pk, tag_id=self.ruled.pk, actor=self.admin, at=at)

    @act
    def tag_off_and_on(self, at):
        switch_off(tag_id=self.tag.pk, actor=self.admin, at=at)
        switch_on(tag_id=self.tag.pk, actor=self.admin, at=at)

    @act
    def segment_reads_tag(self, at):
        rule = rule_of({"kind": "tag.carried", "values": [self.ruled.code]})
        made = save_segment(rule=rule, actor=self.admin, at=at, name="Tagged")
        Segment.objects.get(pk=made.pk)
        refresh_all(at=at)

    @act
    def assign_other_adviser(self, at):
        other = factories.UserFactory(role=Role.OPERATOR)
        advising.assign_adviser(member_id=self.ann.pk, adviser_id=other.pk, actor=self.admin, at=at)

    @act
    def recount_honour(self, at):
        running.void_run(run_id=self.run.pk, actor=self.admin, at=at, reason="R")
        run = self._count(self.honour.pk, self.run.year, at)
        running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=self.admin, at=at)

    @act
    def confirm_other_honour(self, at):
        """Counted again first: one on its list was merged."""
        running.recount_run(run_id=self.draft_run.pk, actor=self.admin, at=at)
        run = running.count_run(run_id=self.draft_run.pk, at=at)
        running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=self.admin, at=at)

    @act
    def edit_survivor(self, at):
        people.edit_member(
            member_id=self.ann.pk, actor=self.admin, at=at, identities={"email": "new@example.com"},
            display_name="Another", time_zone="Asia/Tokyo",
        )  # fmt: skip

    @act
    def survivor_loses_addresses(self, at):
        people.edit_member(member_id=self.ann.pk, actor=self.admin, at=at, identities={"email": "", "phone": ""})

    @act
    def survivor_opts_out(self, at):
        Consent.objects.update_or_create(
            member=self.ann, channel="email", defaults={"is_granted": False, "changed_at": at, "source": "member"}
        )

    @act
    def unsubscribe(self, at):
        plan_messages(at=at)
        message = MessageIntent.objects.filter(channel="email").order_by("pk").first()
        if message:
            unsubscribing.unsubscribe(intent_id=message.pk, at=at)

    @act
    def sending_stops_and_goes_on(self, at):
        sending.stop_sending(actor=self.admin, at=at, reason="R")
        sending.resume_sending(actor=self.admin, at=at, reason="R")

    @act
    def survivor_pays(self, at):
        self.pay(self.ann, 70_000, at - 3 * DAY, at)

    @act
    def imported_one_buys(self, at):
        self.buy(self.imported, self.month, at, "new-1")

    @act
    def imported_one_gets_a_seat(self, at):
        seating.give_seat(owner_id=self.ann.pk, member_id=self.imported.pk, at=at, actor=self.admin)

    @act
    def imported_one_gets_a_tag(self, at):
        give_tag(member_id=self.imported.pk, tag_id=self.tag.pk, actor=self.admin, at=at)

    @act
    def imported_one_gets_a_tier(self, at):
        manual.give_tier(
            member_id=self.imported.pk, tier_id=self.gold.pk, reason="R", until=None, actor=self.admin, at=at
        )

    @act
    def imported_one_gets_a_coupon(self, at):
        issuing.issue_coupon(offer_id=self.returnable.pk, member_id=self.imported.pk, at=at, actor=self.admin)

    @act
    def known_one_is_edited(self, at):
        people.edit_member(member_id=self.hal.pk, actor=self.admin, at=at, city="Rome")

    @act
    def benefit_comes_back(self, at):
        archive_benefit(benefit_id=self.spare.pk, actor=self.admin, at=at)
        restore_benefit(benefit_id=self.spare.pk, actor=self.admin, at=at)

    @act
    def lock_renewal(self, at):
        self.lock_fay(at)

    @act
    def plan_brings_fewer_seats(self, at):
        save_seat_plan(plan=self.family, kind="family", seats=1, tier=None, actor=self.admin, at=at)

    @act
    def plan_is_dearer(self, at):
        save_plan(
            plan_id=self.family.pk, actor=self.admin, at=at, code="family", name="Family", tier=self.gold,
            duration_unit="year", duration_count=1, price_cents=60_000, trial_days=0, is_sold=False,
        )  # fmt: skip
