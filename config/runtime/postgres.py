"""An embedded PostgreSQL: makes its cluster, starts it on a free loopback port, watches over its files."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg
from psycopg import sql

from config.runtime import placement
from config.runtime.processes import (
    SHARED_MEMORY,
    FolderLock,
    RuntimeFailure,
    end_pids,
    free_port,
    run_as,
    running_in,
    runs_in,
    spawn,
    wait_until,
)

GIB = 1024**3
USER = "postgres"
START_TIMEOUT_S = 180.0


def binary(name: str) -> Path:
    """Path of a PostgreSQL program, as installed."""
    return placement.installed_programs() / "bin" / name


def memory_bytes() -> int:
    """What this machine or this container may use."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total


def server_settings() -> dict[str, str]:
    """Durable, sized to the machine, silent about what people's rows hold."""
    shared_mb = min(memory_bytes() // 4, 2 * GIB) // 1024**2
    settings = {
        "listen_addresses": "127.0.0.1",
        # A socket's path may have 107 bytes only, which a deep checkout exceeds; loopback does not care.
        "unix_socket_directories": "",
        "max_connections": "100",
        "shared_buffers": f"{max(shared_mb, 128)}MB",
        "effective_cache_size": f"{max(shared_mb, 128) * 2}MB",
        "maintenance_work_mem": f"{max(min(shared_mb // 4, 256), 64)}MB",
        "work_mem": "16MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        # Recovery after a crash replays at most this much.
        "max_wal_size": "1GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # Statements and their details hold people's data; the log must not.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
    }
    if (placement.installed_programs() / "lib" / "pg_stat_statements.so").exists():
        settings["shared_preload_libraries"] = "pg_stat_statements"
    if not SHARED_MEMORY.is_dir() or shutil.disk_usage(SHARED_MEMORY).total < GIB // 4:
        # Containers give 64 MB, on which parallel queries fail.
        settings["dynamic_shared_memory_type"] = "mmap"
    return settings


class EmbeddedPostgres:
    """One cluster in one folder, as a context manager or with start() and stop().

    The server is a child of this process: when the thread that started it ends, even by kill -9, it shuts down.
    Only one living process may own a folder (Taken otherwise); attach() uses the server of another.
    """

    def __init__(self, directory: Path, *, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        self.wanted = directory.absolute()
        self.port = port
        self.settings = {**server_settings(), **(settings or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self._flushing: subprocess.Popen[bytes] | None = None
        self._account = placement.server_account()
        self._lock = FolderLock(self.wanted.with_name(f"{self.wanted.name}.lock"))
        self._home: Path | None = None

    @property
    def home(self) -> Path:
        """The folder in use: the wanted one, unless the server's account cannot reach it."""
        if self._home is None:
            self._home = placement.prepare_home(self.wanted, self._account)
        return self._home

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def password(self) -> str:
        return (self.home / "password").read_text()

    @property
    def is_moved(self) -> bool:
        return self.home != self.wanted

    def url(self, dbname: str = "postgres") -> str:
        """The connection URL of one database."""
        return f"postgres://{USER}:{quote(self.password)}@127.0.0.1:{self.port}/{quote(dbname)}"

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Starts the server and returns when it answers; a server left by a killed owner is ended first.

        Raises Taken when a living process owns the folder, RuntimeFailure with the server's own words otherwise.
        """
        if self.process is not None and self.process.poll() is None:
            return
        self.claim()
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        self._check_version()
        deadline = time.monotonic() + timeout_s
        keep_port = self.port is not None
        while True:
            self.port = self.port if keep_port else free_port()
            self._spawn()
            if self._answers_before(deadline):
                return
            # The port may have been taken between the choice and the bind.
            if keep_port or "could not bind" not in self._log_tail() or time.monotonic() > deadline:
                self.stop()
                raise RuntimeFailure(f"PostgreSQL did not start. Its log {self.log} ends:\n{self._log_tail()}")

    def claim(self) -> None:
        """Makes the folder ours and ends a server whose owner is dead. Raises Taken when its owner lives."""
        self._lock.acquire()
        self._end_leftovers()

    def attach(self) -> bool:
        """Uses the server that another living process runs in this folder; False when there is none."""
        lines = self._pid_lines()
        if len(lines) < 8 or not lines[7].startswith("ready"):
            return False
        if not runs_in(int(lines[0]), self.data, "postgres", self._account):
            return False
        self.port = int(lines[3])
        return True

    def stop(self) -> None:
        """Shuts down in order: running statements are cancelled, everything is written. Safe to call twice."""
        self._end((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
        self._lock.release()

    def stop_now(self) -> None:
        """Shuts down without waiting for anything; the next start recovers from the log."""
        self._end((signal.SIGQUIT, 10.0), (signal.SIGKILL, 5.0))
        self._lock.release()

    def kill(self) -> None:
        """kill -9, as a crash would; the folder stays ours. For tests of faults."""
        self._end((signal.SIGKILL, 5.0))
        wait_until(lambda: not running_in(self.data, "postgres", self._account), 10)

    def restart(self) -> None:
        """Stops and starts on the same port."""
        self._end((signal.SIGINT, 60.0), (signal.SIGKILL, 5.0))
        self.start()

    def remove(self) -> None:
        """Stops the server and deletes the cluster, wherever it lies."""
        self.stop()
        placement.forget(self.home)
        self._lock.path.unlink(missing_ok=True)

    def createdb(self, name: str) -> str:
        """Makes the database unless it exists; returns its URL."""
        create_database(self.url(), name)
        return self.url(name)

    def remark(self, name: str, text: str) -> None:
        """Writes a comment on the database."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            note = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(text))
            connection.execute(note)

    def remark_on(self, name: str) -> str | None:
        """The comment on the database; None when there is no such database."""
        question = "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = %s"
        with psycopg.connect(self.url()) as connection:
            row = connection.execute(question, [name]).fetchone()
        return row[0] if row else None

    def dropdb(self, name: str) -> None:
        """Drops the database with whoever is connected to it."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _program(self, name: str) -> Path:
        return placement.reachable_programs(self._account) / "bin" / name

    def _environ(self) -> dict[str, str]:
        # Under LC_ALL=C lower() knows ASCII only. PG* variables of the person's shell must not reach the server.
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "HOME": str(self.home)}

    def _make_cluster(self) -> None:
        """initdb beside the final place and a rename, so that a killed one leaves no half-made cluster."""
        partial = self.home / "data.new"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        secret = self.home / "password"
        secret.write_text(secrets.token_urlsafe(24))
        secret.chmod(0o600)
        if self._account:
            os.chown(secret, self._account.uid, self._account.gid)
        command = [str(self._program("initdb")), "-D", str(partial), "-U", USER]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync"]
        made = subprocess.run(
            command,
            env=self._environ(),
            cwd=self.home,
            text=True,
            capture_output=True,
            check=False,
            **run_as(self._account),
        )
        if made.returncode != 0:
            raise RuntimeFailure(f"The database cluster could not be made in {self.home}:\n{made.stderr.strip()}")
        # Waiting for the disk here takes ten seconds on a slow one; the files are safe soon after the first start.
        partial.rename(self.data)
        self._flushing = spawn(["sync", "--file-system", self.data])

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        told = subprocess.run([self._program("postgres"), "--version"], text=True, capture_output=True, check=True)
        program = told.stdout.split()[-1].split(".")[0]
        if made_by != program:
            raise RuntimeFailure(
                f"{self.data} was made by PostgreSQL {made_by}, the installed one is {program}. "
                "Move the folder away, or dump it with the old version and restore it here."
            )

    def _spawn(self) -> None:
        options = [f"-c{name}={value}" for name, value in {**self.settings, "port": str(self.port)}.items()]
        if self.log.exists() and self.log.stat().st_size > 10 * 1024**2:
            self.log.replace(self.log.with_suffix(".log.1"))
        with open(self.log, "ab") as log:
            self._log_start = log.tell()
            self.process = spawn(
                [self._program("postgres"), "-D", self.data, *options],
                env=self._environ(),
                cwd=self.home,
                stdout=log,
                account=self._account,
                parent_signal=signal.SIGINT,
            )

    def _answers_before(self, deadline: float) -> bool:
        assert self.process is not None
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with psycopg.connect(self.url(), connect_timeout=5):
                    return True
            except psycopg.OperationalError:  # not yet listening, or recovering
                time.sleep(0.05)
        return False

    def _end(self, *steps: tuple[signal.Signals, float]) -> None:
        if self.process is None:
            return
        for number, seconds in steps:
            if self.process.poll() is None:
                self.process.send_signal(number)
            try:
                self.process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None
        if self._flushing is not None:
            self._flushing.wait()
            self._flushing = None

    def _end_leftovers(self) -> None:
        """Ends what an owner killed with -9 left in this folder, and takes away its stale pid file."""
        lines = self._pid_lines()
        postmaster = int(lines[0]) if lines and lines[0].isdigit() else None
        if postmaster and runs_in(postmaster, self.data, "postgres", self._account):
            end_pids([postmaster], first=signal.SIGINT, patience_s=60)
        left = running_in(self.data, "postgres", self._account)
        if left:
            end_pids(left, first=signal.SIGQUIT)
        # Its number may meanwhile belong to a stranger, which would keep the server from starting.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _pid_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _log_tail(self) -> str:
        with open(self.log, "rb") as log:
            log.seek(self._log_start)
            return "\n".join(log.read().decode(errors="replace").splitlines()[-15:])


def create_database(admin_url: str, name: str) -> None:
    """Makes the database unless it exists, over a connection to another one of the same server."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return
        try:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.errors.DuplicateDatabase:  # somebody else was quicker
            return
