"""Random histories through the public operations: after each step balances are what the pure rules say."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from config.engine.refusal import Refused
from entitlements.benefits.models import Benefit
from entitlements.checks.operations.checking import find_offences
from entitlements.grants.models import Balance, Grant, Lot
from entitlements.grants.operations.settling import settle_due, settle_members
from entitlements.usage.operations.consuming import consume, reverse
from members.people.models import Member
from members.people.operations import people
from members.terms.models import MembershipTerm
from members.terms.operations import terms
from tests.entitlements.model import Given, Model, Rules, Term, Use
from tests.entitlements.world import Ladder, give
from tests.members.world import World, moment

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
# So that members live in zones with and without a shift of the clock.
ZONES = ("", "America/New_York")

rules = st.builds(
    Rules,
    unit=st.sampled_from(["never", "term", "day", "week", "month", "quarter", "year"]),
    by_calendar=st.booleans(),
    rollover_max=st.sampled_from([0, 3, 20]),
    rollover_min=st.sampled_from([0, 2]),
    is_hard=st.booleans(),
)
amounts = st.none() | st.integers(0, 12)
numbers = st.integers(0, 1)


class Histories(RuleBasedStateMachine):
    """Two members, two benefits; each step a moment later than the one before."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.world, self.ladder = World(), Ladder()
        self.now = moment(0)
        self.members: list[Member] = []
        self.benefits: list[Benefit] = []
        self.models: dict[tuple[int, int], Model] = {}
        self.uses: list[tuple[int, tuple[int, int], Use]] = []
        self.terms: dict[tuple[int, int, int], Term] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @initialize(first=rules, second=rules, cells=st.tuples(amounts, amounts, amounts, amounts))
    def begin(self, first: Rules, second: Rules, cells: tuple[int | None, ...]) -> None:
        for n, chosen in enumerate((first, second)):
            low = min(chosen.rollover_min, chosen.rollover_max)
            self.benefits.append(self.ladder.benefit(
                f"benefit{n}", period=chosen.unit, is_by_calendar=chosen.by_calendar,
                rollover_max=chosen.rollover_max, rollover_min=low, is_hard_limit=chosen.is_hard,
            ))  # fmt: skip
        for n, zone in enumerate(ZONES):
            member = people.create_member(
                actor=None, at=self.now, identities={"external_id": f"machine{n}"}, time_zone=zone
            )
            self.members.append(member)
            for benefit, chosen in zip(self.benefits, (first, second), strict=True):
                low = min(chosen.rollover_min, chosen.rollover_max)
                own = Rules(chosen.unit, chosen.by_calendar, chosen.rollover_max, low, chosen.is_hard)
                self.models[member.pk, benefit.pk] = Model(zone or "Asia/Shanghai", own, None, None)
        self._fill(cells)
        self._settle()

    @rule(cells=st.tuples(amounts, amounts, amounts, amounts))
    def the_ladder_changes(self, cells: tuple[int | None, ...]) -> None:
        self.now += SECOND
        self.ladder.next(self.now)
        self._fill(cells)
        self._settle()

    @rule(who=numbers, kind=st.sampled_from(["month", "year", "week", "gift", "black_month"]))
    def a_term_is_bought_or_given(self, who: int, kind: str) -> None:
        """Another tier sets aside what runs; on the ladder it stands for as much."""
        sell = terms.give_term if kind == "gift" else terms.purchase
        self._book(who, sell, plan=self.world.month if kind == "gift" else getattr(self.world, kind))

    @rule(who=numbers)
    def a_trial_begins(self, who: int) -> None:
        if not MembershipTerm.objects.filter(member=self.members[who]).exists():
            self._book(who, terms.start_trial, plan=self.world.month)

    @rule(who=numbers, days=st.integers(1, 40))
    def days_are_credited(self, who: int, days: int) -> None:
        self.now += SECOND
        values: dict[str, Any] = {
            "member_id": self.members[who].pk,
            "days": days,
            "at": self.now,
            "actor": None,
            "reason": "R",
        }
        self._try(who, lambda: terms.compensate(**values))
        self._settle()

    @rule(who=numbers, waiting=st.booleans())
    def a_term_is_refunded(self, who: int, waiting: bool) -> None:
        """The one that runs, or one that waits."""
        self.now += SECOND
        self._refund(who, waiting=waiting)
        self._settle()

    @rule(who=numbers, waiting=st.booleans())
    def a_term_is_voided(self, who: int, waiting: bool) -> None:
        self.now += SECOND
        if row := self._ordered(who, waiting=waiting):
            self._try(who, lambda: terms.void_term(term_id=row.pk, at=self.now, actor=None, reason="R"))
        self._settle()

    @rule(who=numbers)
    def staff_change_the_tier(self, who: int) -> None:
        self.now += SECOND
        if row := self._ordered(who):
            tier = self.world.black if row.tier == self.world.gold else self.world.gold
            self._try(who, lambda: terms.change_tier(term_id=row.pk, tier=tier, at=self.now, actor=None, reason="R"))
        self._settle()

    @rule(who=numbers, which=numbers, amount=st.integers(1, 9), days=st.none() | st.integers(1, 60))
    def a_one_off_is_given(self, who: int, which: int, amount: int, days: int | None) -> None:
        self.now += SECOND
        member, benefit = self.members[who], self.benefits[which]
        until = self.now + timedelta(days=days) if days else None
        grant = give(member, benefit, amount, self.now, expires_at=until)
        self.models[member.pk, benefit.pk].given.append(Given(grant.pk, amount, self.now, until))
        self._settle()

    @rule(who=numbers, which=numbers)
    def a_one_off_is_voided(self, who: int, which: int) -> None:
        self.now += SECOND
        model = self.models[self.members[who].pk, self.benefits[which].pk]
        for given in [g for g in model.given if g.is_open(self.now) and g.priority == 100][:1]:
            given.voided_at = self.now
            Grant.objects.filter(pk=given.number).update(voided_at=self.now, void_reason="hand")
        self._settle()

    @rule(who=numbers, which=numbers, amount=st.integers(1, 8))
    def it_is_used(self, who: int, which: int, amount: int) -> None:
        """Nobody settles before."""
        self.now += SECOND
        self._use(who, which, amount)
        self._settle()

    @rule(who=numbers, which=numbers, amount=st.integers(1, 8), refunds=st.booleans())
    def terms_change_and_it_is_used_at_once(self, who: int, which: int, amount: int, refunds: bool) -> None:
        self.now += SECOND
        if refunds:
            self._refund(who)
        else:
            terms.purchase(member_id=self.members[who].pk, plan=self.world.black_month, at=self.now, actor=None)
            self._read_terms(who)
        self._use(who, which, amount)
        self._settle()

    @rule(data=st.data())
    def a_use_is_taken_back(self, data: st.DataObject) -> None:
        """Any of them, the last or one of long ago."""
        self.now += SECOND
        if self.uses:
            pk, owner, use = self.uses.pop(data.draw(st.integers(0, len(self.uses) - 1)))
            reverse(record_id=pk, at=self.now, origin="api")
            self.models[owner].take_back(use, self.now)

    @rule(hours=st.sampled_from([1, 13, 24, 72, 24 * 7, 24 * 29, 24 * 31, 24 * 45, 24 * 100, 24 * 200, 24 * 400]))
    def time_goes_by(self, hours: int) -> None:
        """The beat settles whoever is due, no others."""
        self.now += timedelta(hours=hours)
        settle_due(at=self.now)
        for model in self.models.values():
            model.settle(self.now)

    @invariant()
    def balances_are_what_the_rules_say(self) -> None:
        for (member, benefit), model in self.models.items():
            row = Balance.objects.filter(member_id=member, benefit_id=benefit).first()
            found = (row.granted, row.used, row.overage) if row else (0, 0, 0)
            assert found == (model.granted, model.used, model.overage), (model.rules, self.now)

    @invariant()
    def everything_adds_up(self) -> None:
        assert [(f.check.code, f.rows) for f in find_offences()] == []

    @invariant()
    def lots_hold_the_units_used(self) -> None:
        for lot in Lot.objects.all():
            assert lot.used == sum(part.upper - part.lower for part in lot.units)

    def _fill(self, cells: tuple[int | None, ...]) -> None:
        for n, benefit in enumerate(self.benefits):
            with_term, without = cells[2 * n : 2 * n + 2]
            for tier, amount in ((self.world.gold, with_term), (self.world.black, with_term), (None, without)):
                if amount is not None:
                    self.ladder.cell(tier, benefit, amount)
            for member in self.members:
                model = self.models[member.pk, benefit.pk]
                model.with_term, model.without = with_term, without

    def _book(self, who: int, operation: Any, **values: Any) -> None:
        self.now += SECOND
        operation(member_id=self.members[who].pk, at=self.now, actor=None, **values)
        self._read_terms(who)
        self._settle()

    def _refund(self, who: int, *, waiting: bool = False) -> None:
        if row := self._ordered(who, waiting=waiting, kind="paid"):
            self._try(who, lambda: terms.refund_term(term_id=row.pk, at=self.now, actor=None, reason="R"))

    def _ordered(self, who: int, *, waiting: bool = False, **kind: str) -> MembershipTerm | None:
        """The row that runs, or the last of those that wait."""
        rows = MembershipTerm.objects.filter(member=self.members[who], **kind).open_or_upcoming(self.now)
        if waiting:
            return rows.filter(starts_at__gt=self.now).order_by("starts_at").last()
        return rows.filter(starts_at__lte=self.now).first()

    def _try(self, who: int, operation: Callable[[], object]) -> None:
        """What the policy of terms refuses changes nothing."""
        with suppress(Refused):
            operation()
        self._read_terms(who)

    def _use(self, who: int, which: int, amount: int) -> None:
        member, benefit = self.members[who], self.benefits[which]
        record = consume(member_id=member.pk, benefit=benefit, amount=amount, at=self.now, origin="api")
        model = self.models[member.pk, benefit.pk]
        model.settle(self.now)
        use = model.use(amount)
        assert (record.outcome == "used") == (use is not None)
        if use is not None:
            self.uses.append((record.pk, (member.pk, benefit.pk), use))

    def _read_terms(self, who: int) -> None:
        """Of the terms only what any of their rows says: from when to when, of which order, if unmade."""
        member = self.members[who]
        for benefit in self.benefits:
            model = self.models[member.pk, benefit.pk]
            for row in MembershipTerm.objects.filter(member=member).order_by("starts_at"):
                facts = (
                    row.order_id, row.starts_at, row.ends_at, row.kind, row.closed_at, row.refunded_at, row.voided_at
                )  # fmt: skip
                key = member.pk, benefit.pk, row.pk
                if key not in self.terms:
                    self.terms[key] = Term(*facts)
                    model.terms.append(self.terms[key])
                self.terms[key].__init__(*facts)  # type: ignore[misc]

    def _settle(self) -> None:
        settle_members(member_ids=[member.pk for member in self.members], at=self.now)
        for model in self.models.values():
            model.settle(self.now)


def tell(histories: int, steps: int) -> None:
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=histories, stateful_step_count=steps, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_random_histories():
    tell(12, 20)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_random_histories():
    tell(300, 40)
