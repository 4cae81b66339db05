"""Two processes of a kind (see workers.py), timed from the first one's start to the last one's end."""

import json
import subprocess
from typing import Any

from django.db import connection

from tests.bench.database import environment, manage


def run_pair(kind: str, **env: str) -> tuple[float, list[dict[str, Any]]]:
    """Start two processes, give them the word, and return (seconds, their reports)."""
    processes = _start(kind, connection.settings_dict["NAME"], count=2, **env)
    reports = _finish(processes)
    return max(report["end"] for report in reports) - min(report["start"] for report in reports), reports


def _start(kind: str, database: str, *, count: int, **env: str) -> list[subprocess.Popen[str]]:
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


def _finish(processes: list[subprocess.Popen[str]]) -> list[dict[str, Any]]:
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
