"""How what members may use comes about in the standing suites' world."""

from datetime import timedelta
from typing import TYPE_CHECKING

from config.staff.access import Role
from entitlements.benefits.models import Benefit, LadderVersion, Pack, PackBenefit
from entitlements.checks.console.pages import WORDS as CHECK_WORDS
from entitlements.checks.models import Offence
from entitlements.codes.operations import pools
from entitlements.grants.operations.giving import give_grant, give_pack
from entitlements.grants.operations.settling import settle_members
from entitlements.honours.models import Adornment, AdviserAssignment, HonourAward, HonourRun
from entitlements.honours.operations import running
from entitlements.honours.operations.adorning import adorn_benefit
from entitlements.insight.operations.counting import count_figures
from entitlements.ladder.operations import set_cell
from entitlements.memory.models import EntitlementSnapshot, RenewalLock
from entitlements.memory.operations.rules import REVIEW as RULES
from entitlements.offers.models import IssueRun, RedeemCall
from entitlements.offers.operations import issuing, redeeming, saving
from entitlements.offers.rules import Terms
from entitlements.seats.models import SeatFault
from entitlements.seats.operations.plans import save_seat_plan
from entitlements.seats.operations.seating import end_seat, give_seat
from entitlements.tiers.models import ManualTier, QualificationPolicy, TierBrake, TierChange, TierRule, TierRung
from entitlements.tiers.operations.assessing import catch_up as assess_members
from entitlements.tiers.operations.manual import give_tier
from entitlements.tiers.operations.policies import REVIEW as POLICIES
from entitlements.usage.operations.consuming import consume, reverse
from members.events.operations.keys import make_key
from members.people.models import Member
from members.plans.models import Plan, Tier
from members.segments.models import Segment
from members.terms.models import MembershipTerm
from tests import factories
from tests.entitlements import making

if TYPE_CHECKING:
    from tests.suites.world import World

DAY = timedelta(days=1)


def make_benefits(world: "World") -> None:
    """Benefits in the ladder, in packs and by hand, used by the first member; a draft, and versions before it."""
    first = world.members[0]
    benefits = [making.make_benefit(cost_cents=100, worth_cents=200) for _ in range(world.n)]
    for i, benefit in enumerate(benefits):
        making.give(benefit, world.plan.tier, 99)
        making.give(benefit, None, 1)
        making.give(benefit, world.plan, 2)
        pack = Pack.objects.create(code=f"pack-{i}", name=f"Pack {i}", is_light=True)
        PackBenefit.objects.create(pack=pack, benefit=benefit, amount=5)
        give_pack(member_id=first.pk, pack=pack, actor=world.admin, at=world.at)
        give_grant(
            member_id=first.pk, benefit=benefit, amount=2, source="manual", actor=world.admin, at=world.at, reason="R"
        )
        LadderVersion.objects.create(version=100 + i, status="retired", created_at=world.at)
    settle_members(member_ids=[member.pk for member in world.members], at=world.at)
    for benefit in benefits:
        uses = [
            consume(member_id=first.pk, benefit=benefit, amount=1, at=world.at, origin="hand", actor=world.admin)
            for _ in range(2)
        ]
        reverse(record_id=uses[0].pk, at=world.at, origin="hand", actor=world.admin)
    settle_members(member_ids=[first.pk], at=world.at)
    for _ in range(world.n):
        count_figures(at=world.at)
    for benefit in benefits:
        set_cell(
            benefit=benefit, tier=world.plan.tier, plan=None, actor=world.admin, at=world.at,
            values={"amount": 30, "level": "", "is_held_in_grace": True, "early_hours": 0},
        )  # fmt: skip


def make_tiers(world: "World") -> None:
    """Drafts that ask for ``n`` tiers, everybody assessed, given tiers, moves and brakes."""
    tiers, in_force = list(Tier.objects.all()), POLICIES.active()
    for i in range(world.n):
        policy = QualificationPolicy.objects.create(
            version=100 + i, created_at=world.at, created_by=factories.UserFactory(role=Role.OPERATOR)
        )
        for tier in tiers:
            rung = TierRung.objects.create(policy=policy, tier=tier)
            TierRule.objects.create(rung=rung, measure="spend", threshold=100 * tier.position)
        POLICIES.look_ahead(policy.pk, at=world.at)
        give_tier(
            member_id=world.members[i].pk, tier_id=tiers[-1].pk, reason="A guest", until=None, actor=world.admin,
            at=world.at - i * DAY,
        )  # fmt: skip
        TierChange.objects.create(
            member=world.members[0], to_tier=tiers[i % len(tiers)], is_up=True, via="manual", policy=in_force,
            at=world.at - i * DAY, actor=world.admin,
        )  # fmt: skip
        TierBrake.objects.create(
            status="released", raised_at=world.at, base_count=10, moved_count=9, limit_count=1,
            matrix=[{"from": None, "to": tiers[0].pk, "members": 9}],
        )  # fmt: skip
        ManualTier.objects.create(
            member=world.members[0], tier=tiers[0], since=world.at - 9 * DAY, ended_at=world.at - DAY, reason="Over"
        )
    assess_members(member_ids=[member.pk for member in world.members], at=world.at)


def make_offers(world: "World") -> None:
    """Offers of which everybody has a coupon; the first member used some. The last offer goes to a segment."""
    segment = Segment.objects.live().latest("pk")
    promise = Terms("threshold_discount", amount_cents=1, threshold_cents=1, plans=(world.plan.pk,))
    key, _ = make_key(
        source_id=factories.SourceFactory(code="shop").pk, label="Shop", scopes=["coupons"], actor=world.admin,
        at=world.at,
    )  # fmt: skip
    for i in range(world.n):
        offer = saving.save_offer(
            terms=promise, actor=world.admin, at=world.at, code=f"offer-{i}", name=f"Offer {i}", valid_days=9
        )
        saving.activate_offer(offer_id=offer.pk, actor=world.admin, at=world.at)
        for member in reversed(world.members):
            coupon = issuing.issue_coupon(offer_id=offer.pk, member_id=member.pk, at=world.at, actor=world.admin)
        if i:
            redeeming.redeem_coupon(
                member_id=member.pk, code=coupon.code, plan=world.plan, order_ref=f"order-{i}", at=world.at, actor=None
            )
        IssueRun.objects.create(
            offer=offer, segment=segment, status="done", expected=0, created_at=world.at, created_by=world.admin
        )
        RedeemCall.objects.create(key=key, idempotency_key=f"{i}", request_hash="", made_at=world.at)
    for _ in range(world.n):
        IssueRun.objects.create(
            offer=offer, segment=segment, status="done", expected=0, created_at=world.at, created_by=world.admin
        )


def make_codes(world: "World") -> None:
    """Pools with codes, of each of which the first member has one."""
    for i in range(world.n):
        pool = pools.save_pool(
            actor=world.admin, at=world.at, code=f"pool-{i}", partner="Cinema", name=f"Pool {i}", low_stock=99
        )
        pools.take_in(pool_id=pool.pk, codes=[f"code-{n}" for n in range(world.n)], actor=world.admin, at=world.at)
        pools.claim_code(pool_id=pool.pk, member_id=world.members[0].pk, actor=world.admin, at=world.at)


def make_memories(world: "World") -> None:
    """Members away and back, each with something kept; locks of renewals; rules; a check that found something."""
    ladder = LadderVersion.objects.get(status="active")
    benefits = [
        Benefit.objects.create(code=f"kept-{i}", name=f"Kept {i}", kind="quota", created_at=world.at)
        for i in range(world.n)
    ]
    balances = {benefit.pk: {"granted": 9, "remaining": 4, "uses": 5, "once": 4, "carried": 0} for benefit in benefits}
    for i in range(world.n):
        member = world.members[i]
        term = MembershipTerm.objects.filter(member=member).latest("ends_at")
        EntitlementSnapshot.objects.create(
            member=member, term=term, tier=term.tier, plan=term.plan, ladder=ladder, taken_at=world.at - (i + 1) * DAY,
            balances=balances, outcome="restored", returned_at=world.at, restored_at=world.at,
            restored={"grants": [{"benefit": benefit.pk, "amount": 4} for benefit in benefits], "memories": {}},
        )  # fmt: skip
        RenewalLock.objects.create(
            member=member, term=term, ladder=ladder, price_cents=900, locked_at=world.at, until=world.at + 9 * DAY
        )
        RULES.propose(actor=world.admin, at=world.at, note="Longer", tier_days=40 + i)
        rows = [[member.pk, benefit.pk, "granted 9, grants give 4"] for benefit in benefits]
        code = list(CHECK_WORDS)[i % len(CHECK_WORDS)]
        Offence.objects.update_or_create(
            code=code, defaults={"count": world.n, "rows": rows, "found_at": world.at, "checked_at": world.at}
        )


def make_seats(world: "World") -> None:
    """Everybody owns seats, of which the first member gives ``n``, which cannot follow, and took as many back."""
    for plan in Plan.objects.all():
        save_seat_plan(plan=plan, kind="family", seats=99, tier=None, actor=world.admin, at=world.at)

    def give(owner: Member, name: str) -> int:
        holder = factories.make_member(at=world.at, display_name=name)
        return give_seat(owner_id=owner.pk, member_id=holder.pk, at=world.at, actor=world.admin).pk

    for i in range(world.n):
        seat_id = give(world.members[0], f"Former holder {i}")
        end_seat(seat_id=seat_id, reason="left", at=world.at, actor=world.admin)
        give(world.members[i], f"Holder {i}")
        stuck_id = give(world.members[0], f"Family {i}")
        SeatFault.objects.create(seat_id=stuck_id, code="database", found_at=world.at, tried_at=world.at)


def make_honours(world: "World") -> None:
    """Honours given for a year to everybody, each with a draft; the first member wears ``n`` badges and every form."""
    for form in [Adornment.Form.BADGE.value] * world.n + Adornment.Form.values:
        benefit = making.make_benefit(kind="access", category="emotional")
        making.give(benefit, world.plan.tier, level="30")
        adorn_benefit(benefit_id=benefit.pk, actor=world.admin, at=world.at, form=form)
        give_grant(
            member_id=world.members[0].pk, benefit=benefit, amount=None, source="manual", actor=world.admin, at=world.at
        )
    for i in range(world.n):
        honour = running.save_honour(
            honour_id=None, actor=world.admin, at=world.at, code=f"honour-{i}", name=f"Honour {i}", measure="spend"
        )
        for year in (2024, 2023):
            run = running.begin_run(honour_id=honour.pk, year=year, actor=world.admin, at=world.at)
            run = running.count_run(run_id=run.pk, at=world.at)
            HonourAward.objects.bulk_create(
                HonourAward(run=run, member=member, rank=n, value=1)
                for n, member in enumerate(world.members, start=1)
            )  # fmt: skip
            HonourRun.objects.filter(pk=run.pk).update(placed=world.n)
            if year == 2024:
                running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=world.admin, at=world.at)
        AdviserAssignment.objects.create(
            member=world.members[i], adviser=factories.UserFactory(role=Role.OPERATOR), assigned_at=world.at,
            assigned_by=world.admin,
        )  # fmt: skip


ALL = (make_benefits, make_tiers, make_offers, make_codes, make_memories, make_seats, make_honours)
