"""Commands with servers started for them, and first preparations that were killed half-way."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from config.runtime.processes import running_in
from config.runtime.servers import ROOT, Servers

pytestmark = pytest.mark.serial

EXEC = [sys.executable, "-m", "config.runtime", "exec", "--var"]
ASK = """
import os, psycopg, redis
row = psycopg.connect(os.environ["DATABASE_URL"]).execute("SELECT current_database()").fetchone()
assert "DJANGO_SETTINGS_MODULE" not in os.environ
print(row[0], redis.Redis.from_url(os.environ["REDIS_URL"]).ping(), len(os.environ["SECRET_KEY"]) > 40)
raise SystemExit(7)
"""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment that names no server."""
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "MOC_VAR_DIR", "DJANGO_SETTINGS_MODULE"):
        monkeypatch.delenv(name, raising=False)
    return dict(os.environ)


def programs_in(var: Path) -> list[int]:
    return running_in(var / "valkey", "valkey-server")


def test_a_command_gets_servers_and_its_status_is_passed_on(place: Path, bare: dict[str, str]) -> None:
    command = [*EXEC, str(place / "var"), "--", sys.executable, "-c", ASK]
    done = subprocess.run(command, cwd=ROOT, env=bare, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout.split()) == (7, ["moc", "True", "True"]), done.stderr
    assert programs_in(place / "var") == []


def test_a_second_command_uses_the_servers_of_the_first_and_leaves_them(place: Path, bare: dict[str, str]) -> None:
    with Servers(place / "var") as servers:
        url = servers.database_url("moc")
        command = [
            *EXEC,
            str(place / "var"),
            "--",
            sys.executable,
            "-c",
            "import os; print(os.environ['DATABASE_URL'])",
        ]
        done = subprocess.run(command, cwd=ROOT, env=bare, text=True, capture_output=True, check=True)
        assert done.stdout.strip() == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_given_servers_are_used_and_none_is_started(place: Path, bare: dict[str, str]) -> None:
    given = {"DATABASE_URL": "postgres://u:p@db.example.com/shop", "REDIS_URL": "redis://cache.example.com/3"}
    show = "import os; print(os.environ['DATABASE_URL'], os.environ['REDIS_URL'])"
    command = [*EXEC, str(place / "var"), "--", sys.executable, "-c", show]
    done = subprocess.run(command, cwd=ROOT, env={**bare, **given}, text=True, capture_output=True, check=True)
    assert done.stdout.split() == list(given.values())
    assert not (place / "var" / "postgres").exists()


def test_an_unfinished_first_preparation_begins_again_and_a_finished_one_is_kept(
    place: Path, bare: dict[str, str]
) -> None:
    with Servers(place / "var") as servers:
        assert servers.begin_preparing("moc")
        with psycopg.connect(servers.database_url("moc")) as connection:
            connection.execute("CREATE TABLE half_made ()")
        assert servers.begin_preparing("moc")
        with psycopg.connect(servers.database_url("moc")) as connection:
            assert connection.execute("SELECT to_regclass('half_made')").fetchone() == (None,)
            connection.execute("CREATE TABLE whole ()")
        servers.end_preparing("moc")
        assert not servers.begin_preparing("moc")
        with psycopg.connect(servers.database_url("moc")) as connection:
            assert connection.execute("SELECT to_regclass('whole')").fetchone() == ("whole",)


def test_a_folder_of_another_person_is_said(place: Path, bare: dict[str, str]) -> None:
    (place / "var").mkdir()
    (place / "var" / "postgres.lock").mkdir()
    done = subprocess.run([*EXEC, str(place / "var"), "--", "true"], cwd=ROOT, env=bare, text=True, capture_output=True)
    assert done.returncode == 1
    assert "postgres.lock" in done.stderr
    assert "Traceback" not in done.stderr
