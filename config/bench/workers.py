"""The processes some benchmarks run two of: each says when it is ready, waits for the word, works, and reports."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from config.bench import claiming, ingesting, mailing
from config.bench.database import environment, manage
from config.bench.measuring import peak_mb, reset_peak

KINDS: dict[str, Callable[[], int]] = {
    "claim": claiming.claim_all,
    "claim-bare": claiming.claim_all_bare,
    "email": mailing.deliver,
    "send": ingesting.send,
    "email-django": mailing.send_with_django,
}


def work(kind: str) -> None:
    """What one such process does; speaks with its parent over its own input and output."""
    connection.ensure_connection()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    reset_peak()
    start = time.monotonic()
    done = KINDS[kind]()
    # The monotonic clock is one for all processes of a machine.
    report = {"done": done, "start": start, "end": time.monotonic(), "peak_mb": peak_mb()}
    sys.stdout.write(json.dumps(report) + "\n")


def start(kind: str, database: str, *, count: int, **env: str) -> list[subprocess.Popen[str]]:
    """``count`` processes of a kind, up and waiting for the word."""
    processes = [
        manage(
            "bench", "--inside", kind, env=environment(database, **env), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(count)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    return processes


def finish(processes: list[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """Give the word and wait; returns what each reports."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    reports = []
    for process in processes:
        output, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"a benchmark process ended with status {process.returncode}")
        reports.append(json.loads(output))
    return reports
