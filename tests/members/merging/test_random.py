"""Random merges and undos beside a control that never merged: in the end everybody has what the control has."""

import os
import random
from datetime import timedelta

import pytest
from django.db import transaction

from config.engine.refusal import Refused
from entitlements.grants.models import Balance, Grant
from entitlements.grants.operations.giving import give_grant
from entitlements.grants.operations.settling import settle_members
from entitlements.honours.operations.advising import assign_adviser
from entitlements.offers.operations.issuing import issue_coupon
from entitlements.usage.operations.consuming import consume
from members.events.operations.recording import record_events
from members.lifecycle.models import MemberLifecycle
from members.lifecycle.operations.sweep import catch_up
from members.merging.models import MergeRecord
from members.merging.operations.merging import merge_members
from members.merging.operations.unmerging import unmerge_members
from members.people.models import Consent, Member
from members.people.operations import people
from members.segments.models import Segment, SegmentMembership
from members.tags.models import MemberTag, Tag
from members.tags.operations.carrying import give_tag, take_tag
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests import factories
from tests.entitlements.offers.conftest import make_offer
from tests.entitlements.world import Ladder
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db
RUNS = 150 if os.environ.get("MOC_SOAK") else 8
START = 60
ACTS = [
    *["consent"] * 2, "give_tag", "take_tag", *["event"] * 2, "grant", "city", "coupon", "adviser", *["buy"] * 2,
    "refund", "renewing", "stay", "phone", "void", "gift", "trial", "change_tier",
]  # fmt: skip


class Scene:
    """Four members and four like them; what is done to one of the first is done to the like, but for the merges."""

    def __init__(self, draw: random.Random, settings) -> None:
        settings.TERMS_END_AT_MIDNIGHT = False
        self.draw, self.world, self.ladder = draw, World(source_since=0), Ladder()
        self.staff = factories.UserFactory(role="admin")
        self.day, self.deeds, self.number = float(START), [], 0
        gold, black = self.world.gold, self.world.black
        self.downloads = self.ladder.benefit("downloads")
        self.ladder.cell(gold, self.downloads, 40)
        self.plans = [
            factories.PlanFactory(code=f"{tier.code}-{days}", tier=tier, duration_unit="day", duration_count=days)
            for tier in (gold, black) for days in (20, 45)
        ]  # fmt: skip
        self.tags = [self._tag(code) for code in ("vip", "press")]
        self.offers = [make_offer(at=moment(START), valid_days=90) for _ in range(2)]
        self.segment = Segment.objects.create(name="S", kind="static", created_at=moment(0), updated_at=moment(0))
        self.first = [self.world.member(city=city) for city in ("", "Wuhan", "Xi'an", "Harbin")]
        self.like = {member.pk: self.world.member(city=member.city) for member in self.first}
        self.records: list[MergeRecord] = []
        self.refusals: set[str] = set()

    def _tag(self, code: str) -> Tag:
        return Tag.objects.create(
            code=code, kind="behaviour", upkeep="hand", name=code, created_at=moment(0), updated_at=moment(0)
        )

    @property
    def at(self):
        return moment(self.day)

    def prepare(self) -> None:
        for member in self.first:
            for _ in range(self.draw.randrange(2, 7)):
                self.act(member.pk)
                self.day += 1
            if self.draw.random() < 0.5:
                self.both(
                    member.pk,
                    "use",
                    lambda pk: consume(member_id=pk, benefit=self.downloads, amount=3, at=self.at, origin="api"),
                )
            self.day = START
        self.day = START + 8
        self.look()

    def look(self) -> None:
        """Everybody is up to date, as the workers keep them."""
        ids = [*Member.objects.values_list("pk", flat=True)]
        MemberLifecycle.objects.filter(pk__in=ids).mark_due(self.at)
        catch_up(member_ids=ids, at=self.at)
        settle_members(member_ids=ids, at=self.at)

    def both(self, member_id: int, name: str, act) -> None:
        try:
            with transaction.atomic():
                act(member_id)
        except Refused as refused:
            self.deeds.append((self.day, name, member_id, refused.code))
            return
        self.deeds.append((self.day, name, member_id))
        try:
            act(self.like[member_id].pk)
        except Refused as refused:
            self.deeds.append((self.day, name, "control", refused.code))

    def act(self, member_id: int) -> None:
        self.number += 1
        name = self.draw.choice(ACTS)
        self.both(member_id, name, getattr(self, f"do_{name}")())

    def do_consent(self):
        channel, granted = self.draw.choice(["email", "sms"]), self.draw.random() < 0.5
        return lambda pk: Consent.objects.update_or_create(
            member_id=pk, channel=channel, defaults={"is_granted": granted, "changed_at": self.at, "source": "test"}
        )

    def do_give_tag(self):
        tag = self.draw.choice(self.tags)
        return lambda pk: give_tag(member_id=pk, tag_id=tag.pk, actor=self.staff, at=self.at)

    def do_take_tag(self):
        tag = self.draw.choice(self.tags)
        return lambda pk: take_tag(member_id=pk, tag_id=tag.pk, actor=self.staff, at=self.at)

    def do_event(self):
        number, late = self.number, self.draw.choice([0, 0, 1, 3])
        at = self.at - timedelta(days=late, minutes=self.draw.randrange(600))
        return lambda pk: record_events(
            rows=[{"member_id": pk, "name": "opened", "occurred_at": at, "message_id": f"{pk}-{number}"}],
            source=self.world.source, at=self.at,
        )  # fmt: skip

    def do_grant(self):
        amount = self.draw.randrange(1, 600)
        return lambda pk: give_grant(
            member_id=pk, benefit=self.downloads, amount=amount, source="manual", actor=self.staff, at=self.at
        )

    def do_city(self):
        city = self.draw.choice(["Dalian", "Jinan"])

        def edit(pk: int) -> None:
            if Member.objects.get(pk=pk).city == city:
                raise Refused("is_so_already")
            people.edit_member(member_id=pk, actor=None, at=self.at, city=city)

        return edit

    def do_phone(self):
        phone = f"139{self.number:04}"
        return lambda pk: people.edit_member(
            member_id=pk, actor=None, at=self.at, identities={"phone": f"{phone}{pk:04}"}
        )

    def do_coupon(self):
        offer = self.draw.choice(self.offers)
        return lambda pk: issue_coupon(offer_id=offer.pk, member_id=pk, at=self.at, actor=None)

    def do_adviser(self):
        adviser = factories.UserFactory(role="operator")
        return lambda pk: assign_adviser(member_id=pk, adviser_id=adviser.pk, actor=self.staff, at=self.at)

    def do_buy(self):
        plan = self.draw.choice(self.plans)
        return lambda pk: terms.purchase(
            member_id=pk, plan=plan, at=self.at, actor=None, external_ref=f"{pk}-{self.number}"
        )

    def do_gift(self):
        plan = self.draw.choice(self.plans)
        return lambda pk: terms.give_term(member_id=pk, plan=plan, at=self.at, actor=None)

    def do_trial(self):
        return lambda pk: terms.start_trial(member_id=pk, plan=self.world.month, at=self.at, actor=None)

    def on_last_order(self, act):
        """An act on the last order that a member bought by themselves."""

        def done(pk: int) -> None:
            own = MembershipTerm.objects.filter(member_id=pk, origin=None, external_ref__startswith=f"{pk}-")
            if (last := own.filter(refunded_at=None, voided_at=None).order_by("pk").last()) is None:
                raise Refused("nothing_bought")
            act(last)

        return done

    def do_refund(self):
        return self.on_last_order(lambda order: terms.refund_term(term_id=order.pk, at=self.at, actor=None, reason="x"))

    def do_void(self):
        return self.on_last_order(lambda order: terms.void_term(term_id=order.pk, at=self.at, actor=None, reason="x"))

    def do_change_tier(self):
        tier = self.draw.choice([self.world.gold, self.world.black])
        return self.on_last_order(
            lambda order: terms.change_tier(term_id=order.pk, tier=tier, at=self.at, actor=None, reason="x")
        )

    def do_renewing(self):
        on = self.draw.random() < 0.5

        def switch(pk: int) -> None:
            if not terms.switch_auto_renewal(member_id=pk, on=on, at=self.at, actor=None):
                raise Refused("is_so_already")

        return switch

    def do_stay(self):
        def stay(pk: int) -> None:
            if SegmentMembership.objects.filter(segment=self.segment, member_id=pk, left_at=None).exists():
                raise Refused("stays_already")
            SegmentMembership.objects.create(segment=self.segment, member_id=pk, entered_at=self.at)

        return stay

    def step(self) -> None:
        self.day += self.draw.choice([0, 0.25, 1, 4, 15])
        standing = [member.pk for member in Member.objects.filter(pk__in=self.like)]
        draw = self.draw.random()
        if draw < 0.25 and len(standing) > 1:
            one, other = self.draw.sample(standing, 2)
            self.deeds.append((self.day, "merge", one, other))
            self.records.append(merge_members(actor=None, at=self.at, survivor_id=one, absorbed_id=other, choices={}))
        elif draw < 0.4 and self.records:
            self.undo(self.draw.choice(self.records))
        else:
            self.act(self.draw.choice(standing))
        if self.draw.random() < 0.5:
            self.look()

    def undo(self, record: MergeRecord) -> None:
        try:
            with transaction.atomic():
                undone = unmerge_members(actor=None, at=self.at, record_id=record.pk)
        except Refused as refused:
            self.deeds.append((self.day, "undo", record.absorbed_id, refused.code))
            self.refusals.add(refused.code)
            return
        assert "surplus" not in undone.kept, undone.kept
        self.deeds.append((self.day, "undo", record.survivor_id, record.absorbed_id))
        self.records.remove(record)

    def undo_all(self) -> None:
        while self.records:
            before = len(self.records)
            for record in reversed(self.records[:]):
                self.undo(record)
            assert len(self.records) < before

    def fingerprint(self, member_id: int) -> dict:
        """What a member has, without the numbers by which rows of two members differ."""
        member = Member.objects.get(pk=member_id)
        live = member.terms.filter(closed_at=None, voided_at=None, refunded_at=None, ends_at__gt=self.at)
        life = MemberLifecycle.objects.get(pk=member_id)
        grants = Grant.objects.filter(member=member, source="manual").order_by("effective_at", "amount")
        return {
            "city": member.city,
            "consents": sorted(member.consents.values_list("channel", "is_granted", "changed_at")),
            "tags": sorted(
                MemberTag.objects.filter(member=member, cause="hand").values_list("code", "since", "until"), key=repr
            ),
            "days": sorted(member.active_days.values_list("local_on", "first_at")),
            "events": sorted(member.events.values_list("occurred_at", flat=True)),
            "identities": sorted(member.identities.values_list("kind", flat=True)),
            "phone": [value[:-4] for value in member.identities.filter(kind="phone").values_list("value", flat=True)],
            "coupons": sorted(member.coupons.values_list("offer_id", "ordinal", "status")),
            "advisers": sorted(
                member.adviser_assignments.values_list("adviser_id", "assigned_at", "ended_at"), key=repr
            ),
            "stays": sorted(member.segment_stays.values_list("segment_id", "entered_at", "left_at")),
            "renews": life.auto_renewal_flag,
            "grants": list(grants.values_list("amount", "effective_at", "voided_at")),
            "terms": sorted((max(row.starts_at, self.at), row.ends_at, row.tier.code) for row in live),
            "balance": list(Balance.objects.filter(member=member, is_open=True).values_list("granted", "used")),
            "standing": (life.membership_status, life.tier_id, life.expiration_time if life.tier_id else None),
            "state": life.lifecycle_state,
            "resume": life.resume_state,
        }


@pytest.mark.parametrize("seed", range(RUNS))
def test_after_all_undos_everybody_has_what_the_control_has(seed, settings):
    scene = Scene(random.Random(seed), settings)
    scene.prepare()
    for _ in range(scene.draw.randrange(8, 25)):
        scene.step()
    scene.undo_all()
    scene.look()
    assert scene.refusals <= {"later_merge", "merged_on"}
    for member in scene.first:
        ours = scene.fingerprint(member.pk)
        alone = scene.fingerprint(scene.like[member.pk].pk)
        different = {name: (ours[name], alone[name]) for name in ours if ours[name] != alone[name]}
        assert not different, (member.pk, different, scene.deeds)
