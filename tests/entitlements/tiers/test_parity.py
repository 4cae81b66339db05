"""The statement against the rules, on random policies, members and facts."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from entitlements.tiers import rules
from entitlements.tiers.measures import MEASURES
from entitlements.tiers.models import ManualTier, QualificationPolicy, TierStanding
from entitlements.tiers.operations import assessing
from entitlements.tiers.querysets import running
from entitlements.tiers.rules import Held, Rung, Terms
from members.events.models import ActiveDay, Event, EventDefinition, Source
from members.events.querysets.events import ensure_partitions
from members.lifecycle.models import MemberLifecycle
from members.people.models import Member
from members.people.rules import at_local, local_date
from members.plans.models import Tier
from members.terms.models import MembershipTerm

AT = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
ZONES = ["", "America/New_York", "Pacific/Kiritimati", "UTC"]
PROJECT_ZONE = "Asia/Shanghai"
DAY = timedelta(days=1)
SIZE = 60
DAYS_AROUND = [
    date(2024, 2, 29), date(2025, 1, 1), date(2025, 3, 1), date(2025, 3, 2), date(2025, 12, 31), date(2026, 1, 1),
    date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3), date(2026, 4, 1),
    date(2027, 1, 1), date(2027, 2, 28), date(2027, 3, 1),
]  # fmt: skip

pytestmark = pytest.mark.django_db

thresholds = st.fixed_dictionaries({}, optional={
    "spend": st.sampled_from([0, 100, 300, 500]), "active_days": st.sampled_from([0, 1, 2, 3]),
    "tenure_days": st.sampled_from([30, 365, 700]),
})  # fmt: skip
terms = st.builds(
    Terms,
    period=st.sampled_from(["calendar", "anniversary", "rolling"]), months=st.sampled_from([1, 3, 12, 18]),
    downgrade=st.sampled_from(["none", "one_step", "by_balance"]), grace_days=st.sampled_from([0, 1, 31, 90]),
    notice_days=st.sampled_from([0, 1, 30, 180]), plan_is_floor=st.booleans(),
    gap_measure=st.sampled_from(["spend", "active_days", "tenure_days"]),
    rungs=st.lists(st.tuples(st.booleans(), thresholds), min_size=3, max_size=3).map(
        lambda rungs: tuple(
            Rung(0, n, needs_all, tuple(own.items())) for n, (needs_all, own) in enumerate(rungs, 1) if own
        )
    ),
)  # fmt: skip


class Crowd:
    """Members with facts around the boundaries, and standings written past the engine."""

    def __init__(self, seed: int, due_at: datetime | None = None) -> None:
        self.due_at = due_at
        self.draw = random.Random(seed)
        self.tiers = {n: Tier.objects.create(code=f"t{n}", name="T", position=n) for n in (1, 2, 3)}
        self.definition = EventDefinition.objects.create(name="bought", carries_money=True)
        self.source = Source.objects.create(code="shop", name="Shop")
        self.facts: dict[int, dict[str, Any]] = {}
        ensure_partitions(date(2024, 1, 1), date(2026, 4, 1))
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for _ in range(SIZE):
                self._member()
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")

    def _member(self) -> None:
        pick = self.draw.choice
        zone = pick(ZONES)
        joined = pick([AT - DAY * self.draw.randint(0, 800), datetime(2024, 2, 29, 12, tzinfo=UTC)])
        member = Member.objects.create(display_name="", registered_at=joined, created_at=AT, updated_at=AT)
        bought, by_hand = pick([None, None, 1, 2, 3]), pick([None, None, None, 1, 2, 3])
        MemberLifecycle.objects.create(
            member=member, time_zone=zone, known_since=AT, tier=self.tiers.get(bought), lifecycle_state=None
        )
        ends = pick([AT + DAY, AT + 30 * DAY, AT + 400 * DAY, AT + 2_000 * DAY])
        if bought:
            MembershipTerm.objects.create(
                member=member, tier=self.tiers[bought], kind="gift", starts_at=AT - 9 * DAY, ends_at=ends,
                anchor_on=AT.date(), booked_at=AT - 9 * DAY,
            )  # fmt: skip
        own = zone or PROJECT_ZONE
        held = (
            Held(top, pick(DAYS_AROUND), pick([None, *DAYS_AROUND[:9]])) if (top := pick([None, 1, 2, 3])) else Held()
        )
        TierStanding.objects.create(
            member=member, qualified_tier=self.tiers.get(held.position), judged_on=held.judged_on,
            anchor_on=held.anchor_on, due_at=self.due_at, looked_at=AT - DAY,
        )  # fmt: skip
        lasts, given = AT, by_hand
        if by_hand:
            until = pick([None, AT + DAY, AT - DAY, AT])
            ManualTier.objects.create(
                member=member, tier=self.tiers[by_hand], since=AT - 9 * DAY, until=until, reason="R"
            )
            lasts = until or datetime.max.replace(tzinfo=UTC)
            by_hand = by_hand if lasts > AT else None
        paid = [(self._instant(own), pick([-100, 100, 200])) for _ in range(pick([0, 1, 4]))]
        for at, cents in paid:
            Event.objects.create(
                id=self.draw.getrandbits(60), occurred_at=at, received_at=AT, member=member, source=self.source,
                definition=self.definition, message_id="", value_cents=cents, currency="CNY",
            )  # fmt: skip
        active = {self._instant(own) for _ in range(pick([0, 2, 4]))}
        days = {local_date(at, own): at for at in sorted(active, reverse=True)}
        for day, first_at in days.items():
            ActiveDay.objects.create(member=member, local_on=day, first_at=first_at)
        self.facts[member.pk] = {
            "zone": own, "joined_on": local_date(joined, own), "held": held, "bought": bought, "by_hand": by_hand,
            "paid": paid, "active": days, "others": [(bought, ends), (given, lasts)],
        }  # fmt: skip

    def _instant(self, zone: str) -> datetime:
        """At a local midnight near a boundary, or a hair beside it."""
        day = self.draw.choice(
            [*DAYS_AROUND[:11], local_date(AT, zone) - DAY * self.draw.choice([0, 30, 89, 364, 365])]
        )
        at = at_local(day, datetime.min.time(), zone) + self.draw.choice([-1, 0, 1]) * timedelta(microseconds=1)
        return min(at, AT)


def values(facts: dict[str, Any], since: date, until: date) -> dict[str, int]:
    """The measures over the local dates from ``since`` to before ``until``, counted one by one."""
    paid = sum(cents for at, cents in facts["paid"] if since <= local_date(at, facts["zone"]) < until)
    return {
        "spend": max(paid, 0),
        "active_days": sum(since <= day < until for day in facts["active"]),
        "tenure_days": max((until - DAY - facts["joined_on"]).days, 0),
    }


def other_on(facts: dict[str, Any], day: date) -> int | None:
    """The highest tier bought or given by hand at the beginning of a local date."""
    at = at_local(day, datetime.min.time(), facts["zone"])
    return rules.highest(*(position for position, ends in facts["others"] if position and AT - 9 * DAY <= at < ends))


def expected(found: Terms, facts: dict[str, Any]) -> tuple[Any, ...]:
    today, joined = local_date(AT, facts["zone"]), facts["joined_on"]
    held = rules.settled(found, facts["held"], today, joined)
    now = values(facts, rules.earning_since(found, held, today, joined), today + DAY)
    period = now
    if held.judged_on is not None:
        since = rules.boundary_before(found, held.judged_on, rules.anchor_of(found, held, today, joined))
        period = values(facts, since, min(held.judged_on, today + DAY))
    one = rules.judge(
        found, held, today=today, joined_on=joined, now=now, period=period, term_position=facts["bought"],
        manual_position=facts["by_hand"], other_on=lambda day: other_on(facts, day),
    )  # fmt: skip
    position = rules.highest(one.held.position, facts["by_hand"])
    falls = (one.left, at_local(one.falls_on, datetime.min.time(), facts["zone"])) if one.is_noticed else (None, None)
    until = one.until_on and at_local(one.until_on, datetime.min.time(), facts["zone"])
    return one.held, position, one.next_position, one.gap, falls, until, one.is_due_again, one.verdict


def judged() -> dict[int, tuple[Any, ...]]:
    rows = TierStanding.objects.select_related("tier", "qualified_tier", "next_tier", "will_downgrade_to", "manual")

    def position(tier: Tier | None) -> int | None:
        return tier.position if tier else None

    return {
        row.pk: (
            Held(position(row.qualified_tier), row.judged_on, row.anchor_on),
            position(row.tier),
            position(row.next_tier),
            row.gap,
            (position(row.will_downgrade_to), row.will_downgrade_at),
            row.lasts_until,
            row.due_at == AT,
            row.facts["verdict"],
        )
        for row in rows
    }


def test_the_statement_judges_as_the_rules_do(db):
    crowd = Crowd(seed=11, due_at=AT)
    before = list(TierStanding.objects.values())
    policy = QualificationPolicy.objects.get()
    question = assessing.question_of(policy, at=AT)
    by_code = {code: MEASURES[code] for code in ("spend", "active_days", "tenure_days")}
    params = question.params | by_code["spend"].parameters(AT) | {"base": AT - 9_000 * DAY}
    seen: set[str] = set()

    @settings(
        max_examples=150,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(found=terms)
    def compare(found):
        TierStanding.objects.all().delete()
        TierStanding.objects.bulk_create(TierStanding(**row) for row in before)
        running.judge_round(running.Question(found, by_code, params))
        rows = judged()
        for pk, facts in crowd.facts.items():
            right = expected(found, facts)
            assert rows[pk] == right, (facts, found)
            seen.add(right[-1])

    compare()
    assert seen == {"up", "none", "hold", "keep", "again", "grace", "down"}
