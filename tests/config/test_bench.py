"""Each benchmark runs, on a few members, and prints the line it promises. Nothing is timed here."""

import json
import os
import subprocess
import sys

import psycopg
import pytest
from django.conf import settings

from tests.bench.catalogue import NAMES

MEMBERS = 600
KEYS = {"name", "n", "ours_s", "limit_s", "ratio", "goal", "met", "peak_rss_mb", "stack_figure"}


@pytest.mark.timeout(900)
def test_every_benchmark_runs():
    # One test, so that one worker runs them all, once, while the others go on.
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "manage.py", "bench", "all", "--members", str(MEMBERS), "--runs", "1"]
    before = databases()
    done = subprocess.run(command, env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert lines.keys() == set(NAMES)
    for line in lines.values():
        assert line.keys() >= KEYS
        assert line["n"] == MEMBERS
        assert line["ours_s"] > 0
        assert line["peak_rss_mb"] > 10
    assert_both_sides_did_their_work(lines)
    assert databases() <= before


def assert_both_sides_did_their_work(lines: dict[str, dict]) -> None:
    # A twentieth at most: among so few members the day may bring fewer moves.
    assert 0 < lines["sweep"]["due"] <= MEMBERS // 20
    assert sum(lines["sweep"]["moves"].values()) == lines["sweep"]["due"]
    assert lines["plan"]["intents"] == 8 * lines["plan"]["enrolled"] > 0
    assert lines["claim"]["rows"] > 0
    assert lines["email"]["messages"] > 0
    assert lines["fact_to_state"]["facts"] > 0


def databases() -> set[tuple[str]]:
    given = settings.DATABASES["default"]
    with psycopg.connect(
        host=given["HOST"], port=given["PORT"], user=given["USER"], password=given["PASSWORD"], dbname="postgres"
    ) as server:
        return set(server.execute("SELECT datname FROM pg_database WHERE datname ~ '^bench_[0-9]+'").fetchall())


def test_an_unknown_name_is_refused():
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "manage.py", "bench", "nonsense"], env=env, cwd=settings.BASE_DIR, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "no such benchmark" in done.stderr
