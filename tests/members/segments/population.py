"""A crowd of members with every fact a condition reads, unknowns, several time zones and instants at the boundaries.

Rows are written past the lifecycle engine and its guards: a rule must come out right for any state of the tables.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F

from entitlements.benefits.models import Benefit, LadderVersion, Pack
from entitlements.codes.models import CodePool, PartnerCode
from entitlements.grants.models import Balance, Grant, Standing
from entitlements.memory.models import EntitlementSnapshot
from entitlements.offers.models import Coupon, Offer
from entitlements.seats.models import Seat, SeatGroup, SeatPlan
from entitlements.tiers.models import ManualTier, QualificationPolicy, TierChange, TierStanding
from entitlements.usage.models import UsageRecord
from members.events.models import Event, EventDefinition, Source
from members.events.querysets.events import ensure_partitions
from members.lifecycle.lifecycle import MembershipStatus, State
from members.lifecycle.models import LifecyclePolicy, LifecycleTransition, MemberLifecycle
from members.people.models import Member
from members.plans.models import Plan, Tier
from members.segments.models import Segment, SegmentMembership
from members.tags.models import MemberTag
from members.terms.models import MembershipTerm
from members.value.models import MemberValue
from tests.members.segments.wearers import Wearers
from tests.members.segments.wearers import load as load_wearers

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
PROJECT_ZONE = "Asia/Shanghai"
ZONES = ["", "", "Asia/Shanghai", "America/New_York", "Pacific/Kiritimati", "UTC"]
SPANS = [
    (1, "minutes"),
    (60, "minutes"),
    (1, "hours"),
    (24, "hours"),
    (1, "days"),
    (3, "days"),
    (7, "days"),
    (30, "days"),
]
CITIES = ["上海", "北京", "O'Brien", "50%_\\", ""]
EVENTS = ["opened", "exported", "paid"]
TIERS, PLANS = ["gold", "black"], ["month", "year"]
# Besides the owner, by plan; the other plan brings none.
SEATS = {"year": 4}
TAGS = ["returned", "gifted", "low_use"]
OFFERS, POOLS = ["spring", "summer"], ["cinema", "taxi"]
# The last is unlocked by the first.
BENEFITS, PACKS = ["downloads", "album", "season"], ["light", "full"]
TEXTS = ["Red apple", "red", "50%_\\", "", "北京"]
NUMBERS: list[Any] = [3, 2.5, "3", "-1.5", "x", " 3", "1e3", True]
DATES = ["2026-11-16", "2026-11-16T03:00:00Z", "2026-11-17 10:00", "2026-02-30", "soon", "2026-11-160", "0000-01-01"]
BOOLEANS: list[Any] = [True, False, "TRUE", "false", "yes", 1, None]
DAYS = [date(2026, 11, 15), date(2026, 11, 16), date(2026, 11, 17), date(2026, 8, 18)]


@dataclass
class Person:
    """One member's facts as plain values, for the evaluator."""

    pk: int
    profile: dict[str, Any]
    lifecycle: dict[str, Any] = field(default_factory=dict)
    terms: list[dict[str, Any]] = field(default_factory=list)
    transitions: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    carries: list[dict[str, Any]] = field(default_factory=list)
    segments: set[int] = field(default_factory=set)
    value: dict[str, Any] = field(default_factory=dict)
    standing: dict[str, Any] = field(default_factory=dict)
    given: list[dict[str, Any]] = field(default_factory=list)
    tier_changes: list[dict[str, Any]] = field(default_factory=list)
    coupons: list[dict[str, Any]] = field(default_factory=list)
    pools: set[str] = field(default_factory=set)
    balances: list[dict[str, Any]] = field(default_factory=list)
    uses: list[dict[str, Any]] = field(default_factory=list)
    grants: list[dict[str, Any]] = field(default_factory=list)
    via: str = ""
    restored_at: list[datetime] = field(default_factory=list)
    seats_given: int = 0
    holds_seat: bool = False
    awards: list[dict[str, Any]] = field(default_factory=list)
    advisers: list[dict[str, Any]] = field(default_factory=list)


class Crowd:
    def __init__(self, seed: int, size: int = 60) -> None:
        self.random, self.lists = random.Random(seed), random.Random(seed)
        self.tiers = {code: Tier.objects.create(code=code, name=code, position=n) for n, code in enumerate(TIERS)}
        self.plans = {
            code: Plan.objects.create(code=code, name=code, tier=self.tiers["gold"], price_cents=100) for code in PLANS
        }
        self.definitions = {name: EventDefinition.objects.create(name=name) for name in EVENTS}
        self.benefits = {code: Benefit.objects.create(code=code, name=code, created_at=AT) for code in BENEFITS}
        Benefit.objects.filter(code="season").update(unlocked_by=self.benefits["downloads"])
        self.packs = {code: Pack.objects.create(code=code, name=code) for code in PACKS}
        self.source = Source.objects.create(code="app", name="App")
        self.policy = LifecyclePolicy.objects.get(version=1)
        self.qualification = QualificationPolicy.objects.get(version=1)
        self.segments = [
            Segment.objects.create(name=f"S{n}", kind="static", created_at=AT, updated_at=AT) for n in range(2)
        ]
        self.offers = [
            Offer.objects.create(
                code=code, name=code, kind="threshold_discount", terms={}, valid_days=7, created_at=AT, updated_at=AT
            )
            for code in OFFERS
        ]
        self.pools = [CodePool.objects.create(code=code, name=code, partner="P", created_at=AT) for code in POOLS]
        for code, seats in SEATS.items():
            SeatPlan.objects.create(plan=self.plans[code], seats=seats)
        ensure_partitions(date(2026, 7, 1), date(2027, 2, 1))
        wearers = Wearers(self.random, AT, self.instant)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for number in range(size):
                self._member(number)
            for member in Member.objects.order_by("pk"):
                self._benefits(member)
                self._memories(member)
                self._seat(member)
                wearers.give(member)
            self._merge()
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        self.people = load()

    def _merge(self) -> None:
        """Some were merged into another, and every fact about them stays where it was."""
        first, *others = Member.objects.order_by("pk")
        for member in others[2::5]:
            member.merged_into = first
        Member.every.bulk_update(others[2::5], ["merged_into"])

    def instant(self) -> datetime:
        """Mostly at a boundary of some span around now, or a hair beside it."""
        if self.random.random() < 0.25:
            return AT + timedelta(minutes=self.random.randint(-150_000, 60_000))
        amount, unit = self.random.choice([*SPANS, (0, "minutes")])
        hair = self.random.choice([0, 0, 0, -1, 1, 30_000_000, -30_000_000])
        return AT + self.random.choice([-1, -1, 1]) * timedelta(**{unit: amount}) + timedelta(microseconds=hair)

    def maybe(self, value: Any, share: float = 0.75) -> Any:
        return value if self.random.random() < share else None

    def _member(self, number: int) -> None:
        pick = self.random.choice
        member = Member.objects.create(
            display_name=f"M{number}", language=pick(["zh", "en", ""]), gender=pick(["female", "male", "other", ""]),
            city=pick(CITIES), channel=pick(["ads", "shop", ""]), registered_at=self.maybe(self.instant()),
            birthday_on=self.maybe(date(1990, self.random.choice([1, 2, 10, 11, 12]), self.random.randint(1, 28))),
            attributes=self._properties(), created_at=AT, updated_at=AT,
        )  # fmt: skip
        if number % 20:  # A few have no lifecycle row at all.
            MemberLifecycle.objects.create(
                member=member, lifecycle_state=self.maybe(pick(State.values), 0.9),
                state_since=self.maybe(self.instant()),
                membership_status=pick(MembershipStatus.values), tier=self.maybe(self.tiers[pick(TIERS)]),
                expiration_time=self.maybe(self.instant()), last_active_time=self.maybe(self.instant()),
                auto_renewal_flag=pick([True, False]), time_zone=pick(ZONES), known_since=AT,
            )  # fmt: skip
        if number % 7:  # Some were never scored.
            self._value(member)
        if number % 6:  # Some were never assessed.
            self._tiers(member)
        self._terms(member)
        for _ in range(self.random.randint(0, 4)):
            LifecycleTransition.objects.create(
                member=member, from_state=self.maybe("trial"), to_state=pick(State.values), move="test", rule="no_term",
                policy=self.policy, effective_at=self.instant(), recorded_at=AT,
            )  # fmt: skip
        for code in self.random.sample(TAGS, self.random.randint(0, 3)):
            since, until = sorted([self.instant(), self.instant()])
            MemberTag.objects.create(member=member, code=code, since=since, until=self.maybe(until, 0.5))
        for segment in self.segments:
            if self.random.random() < 0.5:
                SegmentMembership.objects.create(
                    segment=segment, member=member, entered_at=AT - timedelta(days=9), left_at=self.maybe(AT, 0.3)
                )
        self._coupons(member)
        for _ in range(self.random.choice([0, 2, 6, 12])):
            at = self.instant()
            Event.objects.create(
                id=self.random.getrandbits(60), occurred_at=at, received_at=AT, member=member, source=self.source,
                definition=self.definitions[pick(EVENTS)], message_id="", properties=self._properties(),
                value_cents=self.maybe(pick([0, 100, 250, -100])), currency=pick(["", "CNY", "JPY"]),
            )  # fmt: skip

    def _coupons(self, member: Member) -> None:
        for offer in self.offers:
            for number in range(self.random.choice([0, 0, 1, 2])):
                status = self.random.choice(["issued", "issued", "redeemed", "expired", "revoked"])
                ends = self.instant()
                Coupon.objects.create(
                    offer=offer, member=member, ordinal=number + 1, code=f"{offer.pk}-{member.pk}-{number}",
                    status=status, source="manual", terms={}, version=1, issued_at=ends - timedelta(days=200),
                    valid_from=ends, expires_at=ends, finished_at=None if status == "issued" else ends,
                    order_ref=f"{offer.pk}-{member.pk}-{number}",
                )  # fmt: skip
        for pool in self.pools:
            if self.random.random() < 0.4:
                PartnerCode.objects.create(
                    pool=pool, code=str(member.pk), member=member, uploaded_at=AT, claimed_at=self.instant()
                )

    def _value(self, member: Member) -> None:
        pick = self.random.choice
        MemberValue.objects.create(
            member=member, recency_days=self.maybe(pick([0, 1, 2, 3])), frequency=self.maybe(pick([1, 2, 3, 100])),
            monetary_cents=self.maybe(pick([-100, 0, 100, 250])), rfm_group=self.maybe(pick(range(1, 9))),
            is_mature=self.maybe(pick([True, False])), maturity_score=self.maybe(pick([0, 1, 3, 100])),
            risk_score=self.maybe(pick([0, 2, 29, 30, 59, 60, 100])), rfm_as_of=AT, maturity_as_of=AT, risk_as_of=AT,
            computed_at=AT,
        )  # fmt: skip

    def _tiers(self, member: Member) -> None:
        pick = self.random.choice
        own = self.maybe(self.tiers[pick(TIERS)])
        TierStanding.objects.create(
            member=member, tier=own, via=pick(["qualified", "manual"]) if own else "",
            until=self.maybe(self.instant(), 0.5), gap=self.maybe(pick([0, 1, 2.0, 100, 250])),
            will_downgrade_at=self.maybe(self.instant()),
        )  # fmt: skip
        if pick([True, False]):
            since = self.instant()
            until, ended = (self.maybe(since + timedelta(days=pick([1, 7, 30])), 0.5) for _ in range(2))
            ManualTier.objects.create(
                member=member, tier=self.tiers[pick(TIERS)], since=since, until=until, ended_at=ended, reason="R"
            )
        for _ in range(self.random.randint(0, 2)):
            TierChange.objects.create(
                member=member, is_up=pick([True, False]), via="qualified", policy=self.qualification, at=self.instant()
            )

    def _memories(self, member: Member) -> None:
        ladder = LadderVersion.objects.get(status="active")
        for term in MembershipTerm.objects.filter(member=member):
            back = self.maybe(self.instant())
            EntitlementSnapshot.objects.create(
                member=member, term=term, tier=term.tier, ladder=ladder, taken_at=AT, returned_at=back,
                restored_at=back, outcome="restored" if back else "pending",
            )  # fmt: skip

    def _benefits(self, member: Member) -> None:
        pick = self.random.choice
        if self.random.random() < 0.9:
            Standing.objects.create(member=member, via=pick(Standing.Via.values))
        for benefit in self.random.sample(list(self.benefits.values()), self.random.randint(0, 3)):
            granted = pick([None, 0, 2, 4])
            used = self.random.randint(0, 4 if granted is None else granted)
            Balance.objects.create(
                member=member, benefit=benefit, is_open=pick([True, True, False]), granted=granted, used=used,
                settled_at=AT,
            )  # fmt: skip
        for _ in range(self.random.randint(0, 4)):
            benefit = pick(list(self.benefits.values()))
            use = UsageRecord.objects.create(
                member=member, benefit=benefit, at=self.instant(), recorded_at=AT, amount=1, origin="api",
                outcome=pick(["used", "used", "used", "limit_reached"]),
            )  # fmt: skip
            if self.random.random() < 0.2:
                UsageRecord.objects.create(
                    member=member, benefit=benefit, at=use.at, recorded_at=AT, amount=1, origin="api",
                    outcome="reversed", reverses=use,
                )  # fmt: skip
        for _ in range(self.random.randint(0, 2)):
            start, *ends = sorted([self.instant(), self.instant(), self.instant()])
            expires, voided = self.maybe(ends[0] + timedelta(microseconds=1)), self.maybe(ends[1], 0.2)
            Grant.objects.create(
                member=member, benefit=pick(list(self.benefits.values())), source=pick(["pack", "pack", "manual"]),
                source_id=pick(list(self.packs.values())).pk, anchor_at=start, effective_at=start, expires_at=expires,
                voided_at=voided, void_reason="hand" if voided else "", created_at=AT,
            )  # fmt: skip

    def _seat(self, member: Member) -> None:
        """Given by those whose running plan may bring some, half of them by the first, who has none left."""
        owners = MembershipTerm.objects.covering(AT).filter(plan__code__in=SEATS).order_by("pk").values_list("member")
        if owners and self.random.random() < 0.3:
            (owner,) = self.random.choice([*owners, *[owners[0]] * len(owners)])
            group = SeatGroup.objects.create(member_id=owner, created_at=AT)
            ended = self.maybe(AT, 0.3)
            Seat.objects.create(
                group=group, member=member, given_at=AT, ended_at=ended, end_reason="left" if ended else ""
            )

    def _terms(self, member: Member) -> None:
        """Terms one after another, some adjoining, some carrying an order on; refunded and voided ones among them."""
        start = self.instant() - timedelta(days=self.random.choice([0, 30, 60]))
        first = None
        for _ in range(self.random.randint(0, 4)):
            ends = start + timedelta(days=self.random.choice([1, 7, 30]))
            reason = self.random.choice(["", "", "", "refund", "void", "converted", "switched"])
            closed = self.random.choice([start, start + (ends - start) / 2]) if reason else None
            term = MembershipTerm.objects.create(
                member=member, plan=self.maybe(self.plans[self.random.choice(PLANS)]), tier=self.tiers["gold"],
                kind=self.random.choice(["trial", "paid", "paid", "gift"]), starts_at=start, ends_at=ends,
                closed_at=closed, close_reason=reason, anchor_on=start.date(), booked_at=AT,
                refunded_at=closed if reason == "refund" else None, voided_at=closed if reason == "void" else None,
                origin=first if self.lists.random() < 0.3 else None,
            )  # fmt: skip
            first = first or term
            start = (closed or ends) + self.random.choice([timedelta(0), timedelta(0), timedelta(days=3)])

    def _properties(self) -> dict[str, Any]:
        pick = self.random.choice
        every = {"text": pick(TEXTS), "number": pick(NUMBERS), "date": pick(DATES), "flag": pick(BOOLEANS)}
        known = {name: value for name, value in every.items() if self.random.random() < 0.8}
        return {name: self._list(name, value) if self.lists.random() < 0.2 else value for name, value in known.items()}

    def _list(self, name: str, value: Any) -> list[Any]:
        """A list of none, one or several values, of which some are no single ones."""
        others = {"text": TEXTS, "number": NUMBERS, "date": DATES, "flag": BOOLEANS}[name]
        every = [value, self.lists.choice(others), None, [value], {"deep": value}]
        return self.lists.sample(every, self.lists.choice([0, 1, 1, 2, 3]))


def _load_entitlements(people: dict[int, Person]) -> None:
    for row in TierStanding.objects.annotate(code=F("tier__code"), position=F("tier__position")).values():
        people[row["member_id"]].standing = row
    for row in ManualTier.objects.values():
        people[row["member_id"]].given.append(row)
    for row in TierChange.objects.values():
        people[row["member_id"]].tier_changes.append(row)
    for row in EntitlementSnapshot.objects.exclude(restored_at=None).values():
        people[row["member_id"]].restored_at.append(row["restored_at"])
    for row in Coupon.objects.annotate(offer_code=F("offer__code")).values():
        people[row["member_id"]].coupons.append(row)
    for owner_id, member_id in Seat.objects.filter(ended_at=None).values_list("group__member_id", "member_id"):
        people[owner_id].seats_given += 1
        people[member_id].holds_seat = True
    for member_id, pool in PartnerCode.objects.filter(member__isnull=False).values_list("member_id", "pool__code"):
        people[member_id].pools.add(pool)


def load() -> list[Person]:
    """The facts about everybody who stands, read row by row from the tables."""
    people = {row["id"]: Person(row["id"], row) for row in Member.every.values()}
    lifecycles = MemberLifecycle.objects.annotate(tier_code=F("tier__code"), tier_position=F("tier__position"))
    for row in lifecycles.values():
        people[row["member_id"]].lifecycle = row
    for row in MembershipTerm.objects.annotate(plan_code=F("plan__code")).values():
        people[row["member_id"]].terms.append(row)
    for row in LifecycleTransition.objects.order_by("id").values():
        people[row["member_id"]].transitions.append(row)
    fields = ("member_id", "occurred_at", "value_cents", "currency", "properties")
    for row in Event.objects.annotate(name=F("definition__name")).values("name", *fields):
        people[row["member_id"]].events.append(row)
    for row in MemberTag.objects.values("member_id", "code", "since", "until"):
        people[row["member_id"]].carries.append(row)
    for member_id, segment_id in SegmentMembership.objects.filter(left_at=None).values_list("member_id", "segment_id"):
        people[member_id].segments.add(segment_id)
    for row in Balance.objects.annotate(code=F("benefit__code")).values():
        people[row["member_id"]].balances.append(row)
    for row in UsageRecord.objects.annotate(code=F("benefit__code"), occurred_at=F("at")).values():
        people[row["member_id"]].uses.append(row)
    packs = dict(Pack.objects.values_list("pk", "code"))
    for row in Grant.objects.values():
        people[row["member_id"]].grants.append({**row, "pack": packs[row["source_id"]]})
    for row in Standing.objects.values():
        people[row["member_id"]].via = row["via"]
    for row in MemberValue.objects.values():
        people[row["member_id"]].value = row
    _load_entitlements(people)
    load_wearers(people)
    return [person for person in people.values() if person.profile["merged_into_id"] is None]
