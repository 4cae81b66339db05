"""The running system: how long after a posted fact its transition can be read."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.db import connection

from campaigns.operations.planning import plan
from config.celery import app as celery_app
from config.engine.clock import now
from config.runtime import commands
from members.events.models import Source
from members.events.operations.recording import record_events
from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.lifecycle.operations.sweep import sweep
from members.plans.models import Plan
from members.terms.operations import terms
from tests.bench import sink
from tests.bench.base import execute
from tests.bench.database import environment
from tests.bench.measuring import Scene, line, percentile

FACTS = 40
GOAL_S = 2.0
PATIENCE_S = 60.0


def fact_to_state(scene: Scene) -> Iterator[dict[str, Any]]:
    """Purchases and events, workers and a beat running; every one of them moves a member."""
    # The system has been running: what was due has been judged and planned.
    sweep(at=now())
    plan(at=now())
    count = max(min(FACTS, scene.members // 50), 2)
    lapsed = list(MemberLifecycle.objects.filter(lifecycle_state="expired").values_list("member_id", flat=True)[:count])
    silent = list(
        MemberLifecycle.objects.filter(lifecycle_state="churned", target_rule="silent", membership_status="active")
        .values_list("member_id", flat=True)[:count]
    )  # fmt: skip
    execute("CREATE INDEX bench_recorded ON members_lifecycletransition (recorded_at)")
    sold, source = Plan.objects.get(code="gold-month"), Source.objects.get(code="app")

    def purchase(member_id: int) -> None:
        terms.purchase(member_id=member_id, plan=sold, at=now(), actor=None)

    def event(member_id: int) -> None:
        at = now()
        row = {"member_id": member_id, "name": "opened", "occurred_at": at, "message_id": f"bench-{member_id}"}
        record_events(rows=[row], source=source, at=at)

    def event_and_wake(member_id: int) -> None:
        event(member_id)
        celery_app.send_task("members.lifecycle.tasks.sweep_due")

    with running_system() as processes:
        by_term = [_time_to_transition(purchase, member_id) for member_id in lapsed]
        # One in two is left to the beat's tick: a wake-up may be lost.
        by_event = [_time_to_transition(event_and_wake, member_id) for member_id in silent[::2]]
        by_tick = [_time_to_transition(event, member_id) for member_id in silent[1::2]]
        if any(process.poll() is not None for process in processes):
            raise RuntimeError("a worker or the beat ended by itself")
        peak = max(_peak_tree(process.pid) for process in processes)
    every = by_term + by_event + by_tick
    p95 = percentile(every, 95)
    printed = line(
        "fact_to_state", scene, ours_s=p95, limit_s=GOAL_S, goal="p95 <= 2 s", met=p95 <= GOAL_S, facts=len(every),
        term_p95_s=percentile(by_term, 95), event_p95_s=percentile(by_event, 95), tick_p95_s=percentile(by_tick, 95),
        worst_s=max(every), stack_figure=None,
    )  # fmt: skip
    yield printed | {"peak_rss_mb": round(peak, 1)}


def _time_to_transition(post: Any, member_id: int) -> float:
    """Seconds from posting the fact until another connection's reader sees the new log row."""
    transitions = LifecycleTransition.objects.filter(member_id=member_id)
    before = transitions.count()
    start = time.perf_counter()
    post(member_id)
    posted = time.perf_counter() - start
    while transitions.count() == before:
        if time.perf_counter() - start > PATIENCE_S:
            raise RuntimeError(
                f"no transition within {PATIENCE_S:.0f} s, posted in {posted:.1f} s; {_scene(member_id)}"
            )
        time.sleep(0.01)
    return time.perf_counter() - start


def _scene(member_id: int) -> str:
    """What the engine knows of a member and what the database is doing: why nothing may have happened."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, now() - xact_start, wait_event, pg_blocking_pids(pid), left(query, 100) FROM pg_stat_activity "
            "WHERE datname = current_database() AND state <> 'idle'"
        )
        running = cursor.fetchall()
    return f"{now()}: {MemberLifecycle.objects.values().get(pk=member_id)}; running: {running}"


@contextmanager
def running_system() -> Iterator[list[subprocess.Popen[bytes]]]:
    """The Celery workers and beat as the product runs them, on this database and a broker number of their own."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        url = stack.enter_context(sink.running())
        env = environment(str(connection.settings_dict["NAME"]), EMAIL_URL=url, LOG_LEVEL="INFO")
        processes = []
        services = {queue: commands.worker(queue) for queue in commands.WORKERS} | {"beat": commands.beat()}
        for name, command in services.items():
            log = stack.enter_context(Path(folder, name).open("wb"))
            process = subprocess.Popen(command, env=env, cwd=settings.BASE_DIR, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(_end, process)
            processes.append(process)
        for queue in commands.WORKERS:
            _await(Path(folder, queue), b"ready.")
        # The beat's first tick has been carried out.
        _await(Path(folder, "prompt"), b"sweep_due[")
        yield processes


def _await(log: Path, words: bytes) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while words not in log.read_bytes():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{log.name} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _peak_tree(pid: int) -> float:
    peak = int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return max([peak, *(_peak_tree(int(child)) for child in children)])
