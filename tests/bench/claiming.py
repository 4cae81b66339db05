"""Claiming due messages by two processes, beside a bare claim-and-mark."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import connection

from campaigns.lifecycle import ChannelCode
from campaigns.models import Channel
from campaigns.operations import delivery
from campaigns.operations.planning import plan
from config.engine.clock import now
from tests.bench.base import execute, made_at
from tests.bench.measuring import Scene, interleaved, line, sql
from tests.bench.pairs import run_pair

GOAL_ROWS_PER_S = 25_000
MOST = 200_000


def claim(scene: Scene) -> Iterator[dict[str, Any]]:
    """All due mail, at most 200,000 messages, claimed in batches of 1,000 by two processes at once."""
    plan(at=made_at())
    make_due(limit=MOST)
    remember_due()
    counted: dict[str, list[dict[str, Any]]] = {}
    clocks: dict[str, list[float]] = {"claim": [], "claim-bare": []}

    def run(kind: str) -> None:
        taken, reports = run_pair(kind)
        clocks[kind].append(taken)
        counted[kind] = reports

    interleaved(lambda: run("claim"), lambda: run("claim-bare"), runs=scene.runs, restore=restore)
    ours, bare = (sorted(clocks[kind])[len(clocks[kind]) // 2] for kind in ("claim", "claim-bare"))
    rows = sum(report["done"] for report in counted["claim"])
    rows_bare = sum(report["done"] for report in counted["claim-bare"])
    printed = line(
        "claim", scene, ours_s=ours, limit_s=rows / GOAL_ROWS_PER_S, goal=f">= {GOAL_ROWS_PER_S} rows/s",
        met=rows / ours >= GOAL_ROWS_PER_S, rows=rows, rows_per_s=rows / ours, bare_rows_per_s=rows_bare / bare,
        stack_figure="bare claim and mark, 2 processes 57,000 rows/s",
    )  # fmt: skip
    yield printed | {"peak_rss_mb": round(max(report["peak_mb"] for report in counted["claim"]), 1)}


def make_due(*, limit: int) -> None:
    """Let ``limit`` of the planned mails be due since an hour and true for days."""
    execute(
        """UPDATE campaigns_messageintent SET status = 'pending', reason = '', due_at = %(due)s, expires_at = %(until)s
        WHERE id IN (SELECT id FROM campaigns_messageintent WHERE channel = 'email' AND status = 'pending'
                     ORDER BY hashint8(id) LIMIT %(limit)s)""",
        {"due": now() - timedelta(hours=1), "until": now() + timedelta(days=2), "limit": limit},
    )


def remember_due() -> None:
    """Note how the messages of ``make_due`` stand, for ``restore``."""
    execute(
        "CREATE UNLOGGED TABLE bench_intent AS "
        "SELECT * FROM campaigns_messageintent WHERE due_at < expires_at - interval '1 day'"
    )
    execute("CREATE UNIQUE INDEX ON bench_intent (id)")


def restore() -> None:
    """Everything claimed is due again, outside the timing; the guard would rightly refuse it."""
    execute("SET session_replication_role = replica")
    execute("TRUNCATE campaigns_messagecontent, campaigns_decision")
    execute(
        """UPDATE campaigns_messageintent i SET status = b.status, reason = b.reason, claimed_by = '',
          lease_until = NULL, finished_at = NULL, template_version_id = NULL, attempts = 0, on_wire_at = NULL,
          provider_reply = ''
        FROM bench_intent b WHERE b.id = i.id AND i.status <> b.status"""
    )
    execute("SET session_replication_role = origin")


def claim_all() -> int:
    """One claiming process: batch after batch until nothing is due; returns the messages judged."""
    channel, total = Channel.objects.get(pk=ChannelCode.EMAIL), 0
    while judged := delivery.claim(channel=channel, worker=uuid4().hex, at=now())[0]:
        total += judged
    return total


def claim_all_bare() -> int:
    """One bare claiming process."""
    statement, total = sql("claim"), 0
    with connection.cursor() as cursor:
        while True:
            params: dict[str, Any] = {"at": now(), "worker": uuid4().hex, "lease_until": now() + timedelta(minutes=5)}
            cursor.execute(statement, params)
            if not (rows := len(cursor.fetchall())):
                return total
            total += rows
