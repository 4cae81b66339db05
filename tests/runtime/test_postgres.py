"""The embedded PostgreSQL: durable, ours alone, and back after every way of dying."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.runtime import placement
from config.runtime.postgres import EmbeddedPostgres
from config.runtime.processes import Taken, free_port, is_running, run_as, running_in, wait_until
from config.runtime.servers import ROOT

pytestmark = pytest.mark.serial

SMALL = {"shared_buffers": "32MB"}
OWNER = """
import sys, time
from pathlib import Path
from config.runtime.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings={"shared_buffers": "32MB"})
server.start()
print(server.url(), flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A made cluster to copy, since making one is the slow part."""
    folder = Path("/tmp") / f"moc runtime cluster {os.getpid()}"
    with EmbeddedPostgres(folder, settings=SMALL) as server:
        server.createdb("kept")
    yield folder
    server.remove()


@pytest.fixture
def server(cluster: Path, place: Path) -> Iterator[EmbeddedPostgres]:
    subprocess.run(["cp", "-a", cluster, place / "pg"], check=True)
    server = EmbeddedPostgres(place / "pg", settings=SMALL)
    yield server
    server.stop()


def ask(url: str, question: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()  # type: ignore[call-overload]
    assert row is not None
    return str(row[0])


def test_is_durable_utc_and_knows_letters_beyond_ascii(server: EmbeddedPostgres) -> None:
    server.start()
    url = server.url("kept")
    assert {name: ask(url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")} == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
    }
    assert ask(url, "SHOW timezone") == "UTC"
    assert ask(url, "SHOW max_wal_size") == "1GB"
    assert ask(url, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(url, "SELECT lower('ÄÉ')") == "äé"
    with psycopg.connect(url) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        connection.execute("CREATE EXTENSION pg_stat_statements")
    assert ask(url, "SELECT '会员运营' % '会员运营'") == "True"


def test_a_password_is_needed(server: EmbeddedPostgres) -> None:
    server.start()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgres://postgres@127.0.0.1:{server.port}/kept")


def test_committed_rows_survive_kill_and_the_port_stays(server: EmbeddedPostgres) -> None:
    server.start()
    with psycopg.connect(server.url("kept")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    port = server.port
    server.kill()
    server.start()
    assert server.port == port
    assert ask(server.url("kept"), "SELECT answer FROM kept") == "42"


def test_one_owner_at_a_time_and_others_attach(server: EmbeddedPostgres) -> None:
    server.start()
    other = EmbeddedPostgres(server.wanted, settings=SMALL)
    with pytest.raises(Taken):
        other.start()
    assert other.attach()
    assert ask(other.url("kept"), "SELECT 1") == "1"
    other.stop()
    assert ask(server.url("kept"), "SELECT 1") == "1"


def test_ends_when_its_owner_is_killed(server: EmbeddedPostgres) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, server.wanted], cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    url = owner.stdout.readline().decode().strip()
    assert ask(url, "SELECT 1") == "1"
    owner.kill()
    owner.communicate()
    assert wait_until(lambda: not running_in(server.data, "postgres", server._account), 20)
    server.start()
    assert ask(server.url("kept"), "SELECT 1") == "1"


def test_a_server_left_behind_is_ended_and_replaced(server: EmbeddedPostgres) -> None:
    pg_ctl = [server._program("pg_ctl"), "-D", server.data, "-w", "-l", server.home / "left.log"]
    options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories= -p {free_port()}"
    arguments = {"env": server._environ(), "cwd": server.home, "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([*pg_ctl, "-o", options, "start"], **arguments, **run_as(server._account))
    left = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    assert is_running(left)
    server.start()
    assert not is_running(left)
    assert "received fast shutdown request" in (server.home / "left.log").read_text()
    assert ask(server.url("kept"), "SELECT 1") == "1"


def test_a_stale_pid_file_with_a_strangers_number_does_not_matter(server: EmbeddedPostgres) -> None:
    # Of the same user: only then does the server take the stranger for itself.
    stranger = subprocess.Popen(["sleep", "600"], **run_as(server._account))
    try:
        stale = f"{stranger.pid}\n{server.data}\n1700000000\n5432\n\n127.0.0.1\n\nready   \n"
        (server.data / "postmaster.pid").write_text(stale)
        server.start()
        assert ask(server.url("kept"), "SELECT 1") == "1"
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_killed_initdb_leaves_nothing_in_the_way(place: Path) -> None:
    server = EmbeddedPostgres(place / "fresh", settings=SMALL)
    (server.home / "data.new").mkdir()
    (server.home / "data.new" / "PG_VERSION").write_text("18\n")
    with server:
        assert ask(server.url(), "SELECT 1") == "1"


def test_a_cluster_of_another_version_is_refused_untouched(server: EmbeddedPostgres) -> None:
    (server.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(Exception, match="made by PostgreSQL 17"):
        server.start()
    assert (server.data / "PG_VERSION").read_text() == "17\n"


def test_personal_data_stay_out_of_the_log(server: EmbeddedPostgres) -> None:
    server.start()
    with psycopg.connect(server.url("kept")) as connection:
        connection.execute("CREATE TABLE person (email text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES ('ann@example.com')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES ('ann@example.com')")
    assert "duplicate key" in server.log.read_text()
    assert "ann@example.com" not in server.log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another account")
def test_a_checkout_only_root_can_reach_gets_its_database_elsewhere(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "var" / "postgres", settings=SMALL)
    try:
        with server:
            assert server.is_moved
            assert placement.FALLBACK in server.home.parents
            assert ask(server.url(), "SELECT 1") == "1"
        assert closed.stat().st_mode & 0o777 == 0o700
        assert EmbeddedPostgres(closed / "var" / "postgres").home == server.home
    finally:
        server.remove()
    assert not server.home.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another account")
def test_programs_only_root_can_reach_are_copied(place: Path, cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    package = placement.installed_programs().parent
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), closed / name, symlinks=True)
    monkeypatch.setattr(placement, "installed_programs", lambda: closed / package.name / "pginstall")
    monkeypatch.setattr(placement, "FALLBACK", place / "elsewhere")
    with EmbeddedPostgres(place / "pg", settings=SMALL) as server:
        assert ask(server.url(), "SELECT 1") == "1"
        assert (place / "elsewhere") in server._program("postgres").parents


def test_stopping_twice_is_safe_and_leaves_no_process(server: EmbeddedPostgres) -> None:
    server.start()
    process = server.process
    assert process is not None
    server.stop()
    server.stop()
    assert process.returncode == 0
    assert not running_in(server.data, "postgres", server._account)


def test_an_interrupt_reaches_the_owner_not_the_server(server: EmbeddedPostgres) -> None:
    server.start()
    assert server.process is not None
    assert os.getpgid(server.process.pid) != os.getpgid(0)
    assert os.getsid(server.process.pid) != os.getsid(0)
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
