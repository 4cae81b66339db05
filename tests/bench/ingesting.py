"""Events over HTTP in batches of 100, through the web server, beside a bare statement and bulk_create."""

import http.client
import json
import os
import statistics
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any
from uuid import uuid4

from config.engine.clock import now
from config.staff.access import Role
from config.staff.models import User
from members.events.models import Event
from members.events.operations.keys import make_key
from members.people.models import Member
from tests.bench.measuring import Scene, line, rest
from tests.bench.pages import web_server
from tests.bench.pairs import run_pair

BATCH = 100
MOST_BATCHES = 300
CONNECTIONS = 2
EVENTS = ("opened", "viewed", "exported")
PATHS = {"ours": "/v1/batch", "bare": "/bare", "bulk": "/bulk"}


def ingest(scene: Scene) -> Iterator[dict[str, Any]]:
    """Two programs with two connections each send new events of known members."""
    at = now()
    admin = User.objects.create(username="bench-ingest", role=Role.ADMIN)
    _, secret = make_key(source_id=1, label="Bench", scopes=["events"], actor=admin, at=at)
    batches = min(max(scene.members // 64, 8), MOST_BATCHES)
    taken: dict[str, list[float]] = {kind: [] for kind in PATHS}
    with web_server() as ours, web_server("tests.bench.bare_web:application") as bare:
        ports = {"ours": ours[1], "bare": bare[1], "bulk": bare[1]}

        def run(kind: str, count: int) -> float:
            seconds, reports = run_pair(
                "send", BENCH_PORT=str(ports[kind]), BENCH_PATH=PATHS[kind], BENCH_KEY=secret,
                BENCH_BATCHES=str(count), BENCH_MEMBERS=str(Member.objects.count()),
            )  # fmt: skip
            return sum(report["done"] for report in reports) / seconds

        before = Event.objects.count()
        for kind in PATHS:
            run(kind, max(batches // 10, 4))
        for _ in range(scene.runs):
            for kind in PATHS:
                rest()
                taken[kind].append(run(kind, batches))
        stored = Event.objects.count() - before
    expected = len(PATHS) * BATCH * 2 * (max(batches // 10, 4) + scene.runs * batches)
    if stored != expected:
        raise RuntimeError(f"stored {stored} events instead of {expected}")
    rate = {kind: statistics.median(values) for kind, values in taken.items()}
    events = 2 * batches * BATCH
    yield line(
        "ingest", scene, ours_s=events / rate["ours"], limit_s=events / rate["bare"],
        goal=">= 60 % of the bare statement, >= 3x bulk_create",
        met=rate["ours"] >= 0.6 * rate["bare"] and rate["ours"] >= 3 * rate["bulk"], events=events,
        events_per_s=rate["ours"], bare_events_per_s=rate["bare"], bulk_create_events_per_s=rate["bulk"],
        share_of_bare=rate["ours"] / rate["bare"], times_bulk_create=rate["ours"] / rate["bulk"],
        stack_figure="bare 60,000 events/s, bulk_create 12,000",
    )  # fmt: skip


def send() -> int:
    """One sending program: its batches over two kept connections; returns the events the server took."""
    batches, name = int(os.environ["BENCH_BATCHES"]), uuid4().hex
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(lambda n: _send(f"{name}-{n}", len(range(n, batches, CONNECTIONS))), range(CONNECTIONS)))


def _send(name: str, batches: int) -> int:
    random, members, accepted = Random(name), int(os.environ["BENCH_MEMBERS"]), 0
    headers = {
        "Authorization": "Basic " + b64encode(f"{os.environ['BENCH_KEY']}:".encode()).decode(),
        "Content-Type": "application/json",
    }
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["BENCH_PORT"]), timeout=60)
    for n in range(batches):
        connection.request("POST", os.environ["BENCH_PATH"], _body(f"{name}-{n}", random, members), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"the server answered {answer.status}: {text[:200]!r}")
        accepted += json.loads(text)["accepted"]
    connection.close()
    return accepted


def _body(name: str, random: Random, members: int) -> str:
    at = now().isoformat()
    messages = ",".join(
        f'{{"type":"track","userId":"b{random.randint(1, members)}","event":"{EVENTS[n % 3]}","messageId":"{name}-{n}",'
        f'"timestamp":"{at}","properties":{{"screen":"home","pages":{n}}}}}'
        for n in range(BATCH)
    )
    return f'{{"batch":[{messages}],"sentAt":"{at}"}}'
