"""Members who spent, an honour for the first of them, and colleagues."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from config.staff.access import Role
from entitlements.benefits.models import Benefit
from entitlements.grants.operations.settling import settle_members
from entitlements.honours.models import Honour, HonourRun
from entitlements.honours.operations import adorning, running
from entitlements.honours.operations.advising import spread_members
from members.events.models import EventDefinition, Source
from members.events.operations.recording import record_events
from members.events.querysets.events import ensure_partitions
from members.people.models import Member
from tests import factories
from tests.entitlements.making import give, make_benefit

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Shop:
    """Whoever pays here spends; ``bought`` carries money."""

    def __init__(self) -> None:
        ensure_partitions(date(2024, 12, 1), date(2026, 1, 1))
        self.source: Source = factories.SourceFactory(code="till")
        self.serial = 0

    def member(self, cents: int = 0, at: datetime = NOON, *, joined: datetime = NOON - 300 * DAY, **values) -> Member:
        """A member who joined then, and paid so much."""
        member = factories.make_member(at=joined, registered_at=joined, **values)
        if cents:
            self.pay(member, cents, at)
        return member

    def pay(self, member: Member, cents: int, at: datetime) -> None:
        self.serial += 1
        record_events(
            rows=[{"member_id": member.pk, "name": "bought", "occurred_at": at, "message_id": f"h{self.serial}",
                   "value_cents": cents, "currency": "CNY"}],
            source=self.source, at=at,
        )  # fmt: skip


@pytest.fixture
def shop(db) -> Shop:
    EventDefinition.objects.create(name="bought", carries_money=True, is_activity=False)
    return Shop()


@pytest.fixture
def frame(db) -> Benefit:
    """A frame that nothing on the ladder gives."""
    return adorned("frame")


def adorned(form: str, **values) -> Benefit:
    """An emotional access benefit that shows itself in this form."""
    benefit = make_benefit(kind="access", category="emotional", **values)
    adorning.adorn_benefit(benefit_id=benefit.pk, actor=None, at=NOW, form=form)
    return benefit


def make_honour(**values) -> Honour:
    fields = {"code": "friend", "name": "Friend", "measure": "spend", "top": 3} | values
    return running.save_honour(honour_id=None, actor=None, at=NOW, **fields)


def counted(honour: Honour, year: int = 2025, at: datetime = NOW) -> HonourRun:
    run = running.begin_run(honour_id=honour.pk, year=year, actor=None, at=at)
    found = running.count_run(run_id=run.pk, at=at)
    assert found is not None
    return found


def given(honour: Honour, at: datetime = NOW) -> HonourRun:
    run = counted(honour, at=at)
    return running.confirm_run(run_id=run.pk, counted_at=run.counted_at, actor=None, at=at)


def ranks(run: HonourRun) -> list[tuple[int, int, int]]:
    return list(run.awards.order_by("rank").values_list("rank", "member_id", "value"))


@pytest.fixture
def colleagues(db) -> list:
    return [factories.UserFactory(role=Role.OPERATOR) for _ in range(3)]


@pytest.fixture
def entitled(db) -> Callable[[int], list[Member]]:
    """``entitled(5)``: members whom a benefit gives an adviser."""
    benefit = adorned("adviser")
    give(benefit, None)

    def make(n: int) -> list[Member]:
        members = [factories.make_member(at=NOW - DAY) for _ in range(n)]
        settle_members(member_ids=[member.pk for member in members], at=NOW)
        return members

    return make


def spread(colleagues, at: datetime = NOW) -> dict[int, int]:
    return spread_members(adviser_ids=[user.pk for user in colleagues], actor=None, at=at)
