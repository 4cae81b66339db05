"""A whole installation for faults: its own PostgreSQL, Valkey, mail server, real workers and beats, on a shifted clock.

The clock stands at ten in the morning three days before everybody's term ends, so that one reminder is due for each.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import redis

from config.runtime import commands
from config.runtime.postgres import EmbeddedPostgres
from config.runtime.valkey import EmbeddedValkey
from tests.dates import system_now

ROOT = Path(__file__).resolve().parents[2]
DUE = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


class House:
    def __init__(self, place: Path) -> None:
        self.place = place
        self.postgres = EmbeddedPostgres(place / "postgres")
        self.valkey = EmbeddedValkey(place / "valkey")
        self.database = ""
        self.sink_folder = place / "sink"
        self.sink_port = 0
        self.processes: list[subprocess.Popen[bytes]] = []
        self.offset = 0
        self.log = (place / "processes.log").open("ab")

    def start(self) -> None:
        self.postgres.start()
        self.valkey.start()
        self.database = "base"
        self.postgres.createdb("base")
        self.run("manage.py", "migrate", "--verbosity", "0")

    def stop(self) -> None:
        self.end_processes()
        self.postgres.remove()
        self.valkey.stop()
        self.log.close()

    def fresh(self, name: str, members: int) -> None:
        """A new database with so many members, nothing planned; an empty mail server and an empty broker."""
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE base")
        self.database = name
        self.offset = int((DUE - system_now()).total_seconds())
        self.sink_folder = self.place / f"sink-{name}"
        self.sink_folder.mkdir()
        self.flush()
        self.run("-m", "tests.faults.seed", str(members), DUE.isoformat())

    @property
    def now(self) -> datetime:
        return system_now() + timedelta(seconds=self.offset)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": self.postgres.url(self.database),
            "REDIS_URL": self.valkey.url(),
            "EMAIL_URL": f"smtp://127.0.0.1:{self.sink_port}",
            "MOC_CLOCK_OFFSET_SECONDS": str(self.offset),
            "LOG_LEVEL": "WARNING",
        }

    def run(self, *arguments: str) -> str:
        """Run Python to its end; returns what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1), done.stderr[-3000:]
        return done.stdout

    def spawn(self, *arguments: str, **pipes: int) -> subprocess.Popen[bytes]:
        """Start Python in a process group of its own, so that kill reaches its children."""
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, start_new_session=True,
            **({"stdout": self.log, "stderr": self.log} | pipes),
        )  # fmt: skip
        self.processes.append(process)
        return process

    def sink(self, *options: str) -> subprocess.Popen[bytes]:
        """Start the mail server, or start it anew on its port with another script."""
        port = ["--port", str(self.sink_port)] if self.sink_port else []
        process = self.spawn("-m", "tests.faults.sink", str(self.sink_folder), *port, *options, stdout=subprocess.PIPE)
        assert process.stdout is not None
        self.sink_port = int(process.stdout.readline())
        return process

    def worker(self, name: str = "w", without: str = "") -> subprocess.Popen[bytes]:
        return self.spawn("-m", "tests.faults.worker", "--name", name, *(["--without", without] if without else []))

    def product_worker(self, queue: str) -> subprocess.Popen[bytes]:
        """A worker as ``make run`` starts it, for one queue."""
        _python, *arguments = commands.worker(queue)
        return self.spawn(*arguments)

    def beat(self) -> subprocess.Popen[bytes]:
        return self.spawn(
            "-m", "celery", "-A", "config", "beat", "--loglevel", "WARNING", "--pidfile=",
            "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler",
        )  # fmt: skip

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """kill -9, children and all."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.processes.remove(process)

    def end_processes(self) -> None:
        for process in list(self.processes):
            self.kill(process)

    def flush(self) -> None:
        redis.Redis.from_url(self.valkey.url()).flushall()

    def counts(self, channel: str = "email", step: str = "d3") -> dict[str, int]:
        """Messages of the due step by status."""
        with psycopg.connect(self.postgres.url(self.database), autocommit=True) as connection:
            rows = connection.execute(
                "SELECT status, count(*) FROM campaigns_messageintent WHERE step_key = %s GROUP BY status",
                [f"{step}.{channel}"],
            )
            return dict(rows.fetchall())

    def report(self) -> dict:
        return json.loads(self.run("manage.py", "check_delivery", "--sink", str(self.sink_folder), "--json"))

    def benefits_add_up(self) -> None:
        """Whatever died: grants, uses, balances and terms still add up."""
        report = json.loads(self.run("manage.py", "check_entitlements", "--json"))
        assert report["ok"], report

    def hold(self, seconds: float, until: Callable[[], bool], what: str) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if until():
                    return
            except psycopg.OperationalError:
                pass  # The database is being restarted by this very test.
            time.sleep(0.1)
        raise AssertionError(f"never happened within {seconds} s: {what}; {self.counts()}")

    def is_settled(self, members: int, open_statuses: Iterable[str] = ("pending", "claimed", "on_wire")) -> bool:
        """Whether every due message has come to an end, on both channels."""
        for channel in ("email", "in_app"):
            counts = self.counts(channel)
            if sum(counts.values()) < members or any(counts.get(status) for status in open_statuses):
                return False
        return True
