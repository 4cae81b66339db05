"""Benefits through the web server: uses of one hot balance as fast as it goes, and checks at a steady rate."""

import http.client
import itertools
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

from config.engine.clock import now
from config.staff.access import Role
from config.staff.models import User
from entitlements.benefits.models import Benefit, LadderVersion, TierBenefit
from entitlements.grants.models import Balance
from entitlements.grants.operations.settling import settle_members
from members.events.operations.keys import make_key
from members.people.models import Identity
from members.plans.models import Tier
from tests.bench.measuring import Scene, line, percentile, rest
from tests.bench.pages import web_server

CONNECTIONS = 8
MOST_USES, MOST_CHECKS = 4_000, 2_000
CHECKED_MEMBERS = 500
RATE = 200.0
GOAL_RATE, GOAL_P99_S = 500.0, 0.25
GOAL_CHECK_S = 0.01
BARE = "tests.bench.bare_web:application"


@dataclass(frozen=True)
class Request:
    """One request of a program."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]


def consume(scene: Scene) -> Iterator[dict[str, Any]]:
    """Uses of one balance over eight kept connections, each with a key of its own, beside the bare statement."""
    secret, benefit = _prepare()
    who = Identity.objects.filter(kind="external_id").order_by("pk")[:1].get()
    settle_members(member_ids=[who.member_id], at=now())
    uses, serial = min(max(scene.members // 10, 200), MOST_USES), itertools.count()
    path = f"/api/v1/members/{who.value}/benefits/{benefit.code}/consume"
    bare_body = {"member": who.member_id, "benefit": benefit.pk}

    def ours() -> Request:
        return Request(path, {"amount": 1}, _signed(secret) | {"Idempotency-Key": f"bench-{next(serial)}"})

    def bare() -> Request:
        return Request("/consume", bare_body | {"key": f"bare-{next(serial)}"}, {})

    taken: dict[str, list[tuple[float, list[float]]]] = {"ours": [], "bare": []}
    with web_server() as our_server, web_server(BARE) as bare_server:
        sides = (("ours", our_server[1], ours), ("bare", bare_server[1], bare))
        for _, port, make in sides:
            _send(port, make, 100)
        for _ in range(scene.runs):
            for name, port, make in sides:
                rest()
                start = time.perf_counter()
                latencies = _send(port, make, uses)
                taken[name].append((uses / (time.perf_counter() - start), latencies))
    used, expected = Balance.objects.get(member_id=who.member_id, benefit=benefit).used, 2 * (100 + scene.runs * uses)
    if used != expected:
        raise RuntimeError(f"used {used} instead of {expected}")
    rate = {name: statistics.median(each for each, _ in runs) for name, runs in taken.items()}
    p99 = {name: percentile([s for _, each in runs for s in each], 99) for name, runs in taken.items()}
    yield line(
        "consume", scene, ours_s=uses / rate["ours"], limit_s=uses / rate["bare"],
        goal=">= 500 a second on one balance, p99 < 250 ms", met=rate["ours"] >= GOAL_RATE and p99["ours"] < GOAL_P99_S,
        uses=uses, uses_per_s=rate["ours"], bare_uses_per_s=rate["bare"], p99_s=p99["ours"], bare_p99_s=p99["bare"],
        stack_figure="none taken",
    )  # fmt: skip


def gate(scene: Scene) -> Iterator[dict[str, Any]]:
    """Flags of members at 200 requests a second, each timed from when it was due, beside the bare statement."""
    secret, benefit = _prepare()
    everybody = Identity.objects.filter(kind="external_id").order_by("pk")[:CHECKED_MEMBERS]
    known = list(everybody.values_list("value", "member_id"))
    settle_members(member_ids=[member_id for _, member_id in known], at=now())
    checks, random = min(max(scene.members // 10, 200), MOST_CHECKS), Random(1)

    def ours() -> Request:
        context = {"context": {"targetingKey": random.choice(known)[0]}}
        return Request(f"/ofrep/v1/evaluate/flags/{benefit.code}", context, _signed(secret))

    def bare() -> Request:
        return Request("/state", {"member": random.choice(known)[1], "benefit": benefit.pk}, {})

    taken: dict[str, list[float]] = {"ours": [], "bare": []}
    with web_server() as our_server, web_server(BARE) as bare_server:
        sides = (("ours", our_server[1], ours), ("bare", bare_server[1], bare))
        for _, port, make in sides:
            _send(port, make, 100)
        for _ in range(scene.runs):
            for name, port, make in sides:
                rest()
                taken[name] += _send(port, make, checks, rate=RATE)
    p99 = {name: percentile(values, 99) for name, values in taken.items()}
    yield line(
        "gate", scene, ours_s=p99["ours"], limit_s=GOAL_CHECK_S, goal="p99 < 10 ms at 200 requests/s",
        met=p99["ours"] < GOAL_CHECK_S, checks=checks * scene.runs, p50_s=percentile(taken["ours"], 50),
        bare_p99_s=p99["bare"], bare_p50_s=percentile(taken["bare"], 50), stack_figure="none taken",
    )  # fmt: skip


def _prepare() -> tuple[str, Benefit]:
    """A key, and a benefit of which everybody has more than enough."""
    at = now()
    admin = User.objects.create(username="bench-benefits", role=Role.ADMIN)
    _, secret = make_key(source_id=1, label="Bench", scopes=["benefits"], actor=admin, at=at)
    benefit = Benefit.objects.create(code="bench", name="Bench", kind="quota", period="never", created_at=at)
    version = LadderVersion.objects.get(status="active")
    TierBenefit.objects.bulk_create(
        TierBenefit(version=version, tier=tier, benefit=benefit, amount=10**9) for tier in (None, *Tier.objects.all())
    )
    return secret, benefit


def _signed(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def _send(port: int, make: Callable[[], Request], count: int, *, rate: float | None = None) -> list[float]:
    """Seconds each of ``count`` requests took, over kept connections; at a rate, from the moment it was due."""
    local, start, turn = threading.local(), time.perf_counter(), itertools.count()

    def one(request: Request) -> float:
        due = time.perf_counter() if rate is None else start + next(turn) / rate
        time.sleep(max(due - time.perf_counter(), 0))
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        body = json.dumps(request.body)
        local.connection.request("POST", request.path, body, {"Content-Type": "application/json"} | request.headers)
        answer = local.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}: {text[:200]!r}")
        return time.perf_counter() - due

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return list(pool.map(one, [make() for _ in range(count)]))
