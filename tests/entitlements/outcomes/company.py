"""A small company for random lives: people with terms, seats, packs, coupons, codes, tags, consents, honours."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, Subquery

from config.staff.access import Role
from entitlements.benefits.models import Pack, PackBenefit
from entitlements.codes.models import PartnerCode
from entitlements.codes.operations import pools
from entitlements.grants.models import Balance, Grant
from entitlements.grants.operations.giving import give_grant, give_pack
from entitlements.grants.operations.settling import settle_due, settle_members
from entitlements.honours.models import AdviserAssignment, HonourAward
from entitlements.honours.operations import adorning, advising, running
from entitlements.offers.models import Coupon
from entitlements.offers.operations import issuing
from entitlements.seats.models import Seat
from entitlements.seats.operations import seating
from entitlements.seats.operations.plans import save_seat_plan
from entitlements.tiers.models import ManualTier
from entitlements.tiers.operations import assessing, manual
from entitlements.usage.operations.consuming import consume
from members.events.models import EventDefinition
from members.events.operations.recording import record_events
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import sweep
from members.merging.operations.merging import gather_strays, merge_members
from members.merging.operations.unmerging import unmerge_members
from members.people.models import Consent, Identity, Member
from members.people.operations import people
from members.plans.models import Plan
from members.tags.models import MemberTag, Tag
from members.tags.operations.carrying import give_tag, take_tag
from members.tags.operations.saving import save_tag
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests import factories
from tests.entitlements import making
from tests.entitlements.memory.scene import rule
from tests.entitlements.offers.conftest import make_offer

DAY = timedelta(days=1)


class Company:
    """``people`` are numbered; verbs take the number of a person, what to do with and the instant.

    Nobody gets back on return what they had, unless ``restores``.
    """

    def __init__(self, at: datetime, size: int, *, restores: bool = False) -> None:
        self.admin = factories.UserFactory(role=Role.ADMIN)
        if not restores:
            rule(self.admin, mode="nothing")
        self.colleague = factories.UserFactory(role=Role.OPERATOR)
        self._make_plans(at)
        self._make_benefits(at)
        self.tag = save_tag(name="Guest", kind="custom", actor=self.admin, at=at)
        self.shop = factories.SourceFactory(code="shop")
        EventDefinition.objects.create(name="bought", carries_money=True, is_activity=False)
        EventDefinition.objects.create(name="opened", is_activity=True)
        self.people: list[Member] = [
            people.create_member(
                actor=None, at=at, display_name=f"P{n}", city=f"City {n}", registered_at=at - n * DAY,
                identities={"external_id": f"x{n}", "email": f"p{n}@example.com", "phone": f"1390000000{n}"},
            )
            for n in range(size)
        ]  # fmt: skip
        self.serial = 0
        # What the honours of last year go by.
        for who in range(size - 1):
            self.event(who, "bought", at, happened=at - 100 * DAY, value_cents=100 * (who + 1), currency="CNY")

    def _make_plans(self, at: datetime) -> None:
        self.gold = factories.TierFactory(code="gold", position=11)
        self.black = factories.TierFactory(code="black", position=12)
        make = Plan.objects.create
        self.plans = {
            "month": make(code="month", name="Month", tier=self.gold, price_cents=3_000, trial_days=7),
            "top": make(code="top", name="Top", tier=self.black, price_cents=9_000),
            "family": make(code="family", name="Family", tier=self.gold, duration_unit="year", price_cents=50_000),
        }
        save_seat_plan(plan=self.plans["family"], kind="family", seats=9, tier=None, actor=self.admin, at=at)

    def _make_benefits(self, at: datetime) -> None:
        self.voucher = making.make_benefit(period="term", code="voucher", created_at=at)
        self.downloads = making.make_benefit(code="downloads", created_at=at)
        self.title = making.make_benefit(kind="access", category="emotional", code="title", created_at=at)
        self.advice = making.make_benefit(kind="access", category="emotional", code="advice", created_at=at)
        for tier, amount in ((self.gold, 4), (self.black, 20)):
            making.give(self.voucher, tier, amount)
            making.give(self.downloads, tier, amount)
        making.give(self.advice, None)
        adorning.adorn_benefit(benefit_id=self.advice.pk, actor=self.admin, at=at, form="adviser")
        self.pack = Pack.objects.create(code="light", name="Light", is_light=True)
        PackBenefit.objects.create(pack=self.pack, benefit=self.downloads, amount=5)
        self.pool = pools.save_pool(actor=self.admin, at=at, code="pool", partner="Cinema", name="Pool", low_stock=1)
        pools.take_in(pool_id=self.pool.pk, codes=[f"code-{n:02}" for n in range(40)], actor=self.admin, at=at)
        self.offer = make_offer(at=at, valid_days=300)

    def settle(self, at: datetime) -> None:
        """What the workers do by themselves."""
        sweep(at=at)
        assessing.look_at_everybody(at=at)
        assessing.assess(at=at)
        seating.follow_seats(at=at)
        gather_strays(at=at)
        settle_due(at=at)
        settle_members(member_ids=list(Member.objects.values_list("pk", flat=True)), at=at)

    # What happens to a person

    def pk(self, who: int) -> int:
        return self.people[who].pk

    def do_buy(self, who: int, what: str, at: datetime) -> None:
        self.serial += 1
        terms.purchase(
            member_id=self.pk(who), plan=self.plans[what], at=at, actor=self.admin, external_ref=f"o{self.serial}"
        )

    def do_gift(self, who: int, what: str, at: datetime) -> None:
        terms.give_term(member_id=self.pk(who), plan=self.plans["month"], at=at, actor=self.admin)

    def do_refund(self, who: int, what: str, at: datetime) -> None:
        order = MembershipTerm.objects.orders().filter(member=self.pk(who), kind="paid", refunded_at=None).first()
        if order:
            cents = order.price_cents - order.refunded_cents
            terms.refund_orders(member_id=self.pk(who), amounts={order.pk: cents}, at=at, actor=self.admin, reason="R")

    def do_seat(self, who: int, what: str, at: datetime) -> None:
        """Person ``what`` gives one of their seats."""
        seating.give_seat(owner_id=self.pk(int(what)), member_id=self.pk(who), at=at, actor=self.admin)

    def do_unseat(self, who: int, what: str, at: datetime) -> None:
        for seat in Seat.objects.open().filter(member_id=self.pk(who)):
            seating.end_seat(seat_id=seat.pk, reason=Seat.EndReason.LEFT, at=at, actor=self.admin)

    def do_grant(self, who: int, what: str, at: datetime) -> None:
        give_grant(
            member_id=self.pk(who), benefit=self.downloads, amount=50, source="manual", actor=self.admin, at=at,
            reason="R",
        )  # fmt: skip

    def do_pack(self, who: int, what: str, at: datetime) -> None:
        give_pack(member_id=self.pk(who), pack=self.pack, actor=self.admin, at=at)

    def do_use(self, who: int, what: str, at: datetime) -> None:
        benefit = self.voucher if what == "voucher" else self.downloads
        consume(member_id=self.pk(who), benefit=benefit, amount=1, at=at, origin="api")

    def do_coupon(self, who: int, what: str, at: datetime) -> None:
        issuing.issue_coupon(offer_id=self.offer.pk, member_id=self.pk(who), at=at, actor=self.admin)

    def do_code(self, who: int, what: str, at: datetime) -> None:
        pools.claim_code(pool_id=self.pool.pk, member_id=self.pk(who), actor=self.admin, at=at)

    def do_consent(self, who: int, what: str, at: datetime) -> None:
        Consent.objects.update_or_create(
            member=self.people[who], channel=what.split("-")[0],
            defaults={"is_granted": what.endswith("yes"), "changed_at": at, "source": "console"},
        )  # fmt: skip

    def do_tag(self, who: int, what: str, at: datetime) -> None:
        give_tag(member_id=self.pk(who), tag_id=self.tag.pk, actor=self.admin, at=at)

    def do_untag(self, who: int, what: str, at: datetime) -> None:
        take_tag(member_id=self.pk(who), tag_id=self.tag.pk, actor=self.admin, at=at)

    def do_tier(self, who: int, what: str, at: datetime) -> None:
        tier = self.black if what == "black" else self.gold
        manual.give_tier(member_id=self.pk(who), tier_id=tier.pk, reason="R", until=None, actor=self.admin, at=at)

    def do_edit(self, who: int, what: str, at: datetime) -> None:
        people.edit_member(member_id=self.pk(who), actor=self.admin, at=at, channel=what)

    def do_adviser(self, who: int, what: str, at: datetime) -> None:
        advising.assign_adviser(member_id=self.pk(who), adviser_id=self.colleague.pk, actor=self.admin, at=at)

    def do_active(self, who: int, what: str, at: datetime) -> None:
        self.event(who, "opened", at)

    def do_pay(self, who: int, what: str, at: datetime) -> None:
        self.event(who, "bought", at, value_cents=int(what), currency="CNY")

    def event(self, who: int, name: str, at: datetime, happened: datetime | None = None, **values: Any) -> None:
        self.serial += 1
        row = {
            "member_id": self.pk(who), "name": name, "occurred_at": happened or at, "message_id": f"e{self.serial}",
        }  # fmt: skip
        record_events(rows=[row | values], source=self.shop, at=at)

    def honour(self, year: int, at: datetime) -> None:
        """The first three of a year by what they paid."""
        made = running.save_honour(
            honour_id=None, actor=self.admin, at=at, code=f"h{year}", name=f"H{year}", measure="spend", top=3,
            benefit=self.title,
        )  # fmt: skip
        run = running.begin_run(honour_id=made.pk, year=year, actor=self.admin, at=at)
        run = running.count_run(run_id=run.pk, at=at)
        running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=self.admin, at=at)

    def merge(self, survivor: int, absorbed: int, at: datetime) -> int:
        return merge_members(actor=self.admin, at=at, survivor_id=self.pk(survivor), absorbed_id=self.pk(absorbed)).pk

    def unmerge(self, record_id: int, at: datetime) -> dict[str, Any]:
        return unmerge_members(actor=self.admin, at=at, record_id=record_id).kept

    # What a person has

    def summary(self, who: int) -> dict[str, Any]:
        """Everything of a person that a reader can tell, without numbers of rows."""
        pk = self.pk(who)
        member = Member.objects.filter(pk=pk).first()
        life = MemberLifecycle.objects.filter(pk=pk).select_related("tier").first()
        if member is None or life is None:
            return {"merged": True}
        return {
            "profile": (member.display_name, member.city, member.channel, member.registered_at),
            "identities": sorted(Identity.every.filter(member=pk).values_list("kind", "value", "is_former")),
            "life": (
                life.membership_status, life.tier and life.tier.code, life.expiration_time, life.auto_renewal_flag,
                life.last_active_time, life.known_since, life.time_zone,
            ),
            "state": (life.lifecycle_state, life.resume_state),
            "terms": self._spans(pk),
            "events": sorted(member.events.values_list("occurred_at", flat=True)) if hasattr(member, "events") else 0,
            "active": sorted(member.active_days.values_list("local_on", flat=True)),
            "grants": sorted(
                (code, source, amount or -1, voided is None)
                for code, source, amount, voided in Grant.objects.filter(member=pk)
                .filter(voided_at=None)
                .values_list("benefit__code", "source", "amount", "voided_at")
            ),
            "balances": sorted(
                Balance.objects.open().filter(member=pk).exclude(granted=None)
                .values_list("benefit__code", "granted", "used")
            ),
            "uses": sorted(Balance.objects.filter(member=pk, uses__gt=0).values_list("benefit__code", "uses")),
            "coupons": sorted(Coupon.objects.filter(member=pk).values_list("issued_at", "status")),
            "codes": PartnerCode.objects.filter(member=pk).count(),
            "consents": sorted(Consent.objects.filter(member=pk).values_list("channel", "is_granted", "changed_at")),
            "tags": sorted(MemberTag.objects.filter(member=pk, until=None)
                .annotate(name=Subquery(Tag.objects.filter(code=OuterRef("code")).values("name")))
                .values_list("name", "cause", "since")),
            "seats held": sorted(Seat.objects.open().filter(member=pk).values_list("given_at", "group__member_id")),
            "seats given": sorted(Seat.objects.open().of_owner(pk).values_list("given_at", "member_id")),
            "honours": sorted(HonourAward.objects.filter(member=pk).values_list("rank", "value")),
            "tiers": sorted(ManualTier.objects.filter(member=pk, ended_at=None).values_list("tier__code", "since")),
            "advisers": sorted(AdviserAssignment.objects.filter(member=pk).values_list("assigned_at", flat=True)),
        }  # fmt: skip

    @staticmethod
    def _spans(member_id: int) -> list[tuple[str, datetime, datetime]]:
        """Stretches of cover by kind, however many rows they were booked in."""
        spans: list[tuple[str, datetime, datetime]] = []
        rows = MembershipTerm.objects.filter(member=member_id).order_by("starts_at", "pk")
        for row in rows:
            start, end = row.starts_at, row.effective_ends_at
            if end <= start:
                continue
            if spans and spans[-1][0] == row.kind and spans[-1][2] == start:
                start = spans.pop()[1]
            spans.append((row.kind, start, end))
        return spans
