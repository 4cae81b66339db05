"""Benefits on a ladder of two tiers, members of each, and a program that asks with a key."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from entitlements.benefits.models import Benefit, LadderVersion, TierBenefit
from members.events.operations.keys import make_key
from members.people.models import Member
from members.plans.models import Tier
from tests import factories

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def make_benefit(code: str, *cells: tuple[Tier | None, dict[str, Any]], **fields: Any) -> Benefit:
    """A benefit and what tiers give of it in the ladder in force."""
    fields = {"name": code.title(), "created_at": AT - 30 * DAY} | fields
    benefit = Benefit.objects.create(code=code, **fields)
    version = LadderVersion.objects.get(status="active")
    for tier, cell in cells:
        TierBenefit.objects.create(version=version, tier=tier, benefit=benefit, **cell)
    return benefit


class Ladder:
    """Silver gives 100 credits and exports from gold on; free members get one credit."""

    def __init__(self) -> None:
        self.silver = Tier.objects.create(code="silver", name="Silver", name_zh="白银会员", position=10)
        self.gold = Tier.objects.create(code="gold", name="Gold", name_zh="高级会员", position=20)
        self.plan = factories.PlanFactory(code="silver-month", tier=self.silver)
        self.gold_plan = factories.PlanFactory(code="gold-month", tier=self.gold)
        self.export = make_benefit(
            "ai-export", (self.gold, {"level": "4K"}), kind="access", name="AI export", name_zh="AI 导出"
        )
        self.credit = make_benefit(
            "credit", (None, {"amount": 1}), (self.silver, {"amount": 100}), (self.gold, {"amount": 500}),
            kind="quota", name="Credits", name_zh="积分额度", worth_cents=50, period="month",
        )  # fmt: skip

    def member(self, plan: Any = None, at: datetime = AT, **profile: Any) -> Member:
        member = factories.make_member(at=at - DAY, **profile)
        if plan is not None:
            factories.make_term(member=member, plan=plan, at=at - DAY)
        return member


@pytest.fixture
def ladder(db) -> Ladder:
    return Ladder()


@pytest.fixture
def silver(ladder) -> Member:
    """A member of the silver tier since yesterday."""
    return ladder.member(ladder.plan)


@pytest.fixture
def secret(db, admin) -> str:
    return make_key(
        source_id=factories.SourceFactory().pk, label="Shop", scopes=["benefits"], actor=admin, at=AT - DAY
    )[1]


def id_of(member: Member) -> str:
    return member.identities.get(kind="external_id").value


@pytest.fixture
def call(secret) -> Callable[..., Any]:
    """``call("POST", path, body, at=…, **headers)``: one request with the key; a dict is sent as JSON."""

    def request(method: str, path: str, body: Any = None, *, at: datetime = AT, **headers: str) -> Any:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {secret}"} | headers
        with time_machine.travel(at, tick=False):
            return Client(raise_request_exception=True, enforce_csrf_checks=True).generic(
                method, path, content, content_type="application/json", headers=headers
            )

    return request


@pytest.fixture
def use(call) -> Callable[..., Any]:
    """``use(member, "credit", 3, key="k1")``: one POST to consume."""

    def consume(member: Member, code: str, amount: int = 1, *, key: str | None = None, **rest: Any) -> Any:
        at, headers = rest.pop("at_clock", AT), {"idempotency-key": key} if key else {}
        path = f"/api/v1/members/{id_of(member)}/benefits/{code}/consume"
        return call("POST", path, {"amount": amount, **rest}, at=at, **headers)

    return consume
