"""Two processes of a kind, timed from the first one's start to the last one's end."""

from typing import Any

from django.db import connection


def run_pair(kind: str, **env: str) -> tuple[float, list[dict[str, Any]]]:
    """Start two processes, give them the word, and return (seconds, their reports)."""
    from config.bench import workers

    processes = workers.start(kind, connection.settings_dict["NAME"], count=2, **env)
    reports = workers.finish(processes)
    return max(report["end"] for report in reports) - min(report["start"] for report in reports), reports
