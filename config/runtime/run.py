"""``make run``: the whole system from nothing to the line ``ready URL``, and back to nothing on Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

from config.runtime import commands
from config.runtime.clock import ShiftedClock
from config.runtime.processes import (
    MARKER,
    FolderLock,
    RuntimeFailure,
    Taken,
    end_pids,
    listen_on,
    marked_with,
    signal_group,
    spawn,
    wait_until,
)
from config.runtime.servers import ROOT, Servers, secret_key, var_dir
from config.runtime.supervisor import Service, Supervisor

READY_TIMEOUT_S = 180.0
END_TIMEOUT_S = 20.0
PROGRESS = "demo data: "


class Stopped(BaseException):
    """A person or the system asked us to end. Not an Exception: nothing but run() may catch it."""


@dataclass(frozen=True)
class Options:
    port: int
    empty: bool
    clock: datetime | None


class Run:
    """One run of the system in one var folder."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.var = var_dir()
        self.clock = ShiftedClock(self.var, options.clock, empty=options.empty)
        self.servers = Servers(self.var)
        self.supervisor: Supervisor | None = None
        self.env: dict[str, str] = {}
        self.in_a_hurry = False
        self._lock = FolderLock(self.var / "run.lock")
        self._asked_to_end = False

    def run(self) -> int:
        """Returns the exit status; prints what a person needs to know and nothing else."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._start()
            self._watch()
        except Stopped:
            print("\nstopping (again to stop at once)", flush=True)
            return 0
        except (RuntimeFailure, OSError) as failure:
            print(f"\n{failure}", file=sys.stderr, flush=True)
            return 1
        finally:
            self._end()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._asked_to_end:
            self.in_a_hurry = True
            return
        self._asked_to_end = True
        raise Stopped

    def _start(self) -> None:
        self.var.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Taken as taken:
            raise RuntimeFailure(f"Already running from this folder: {taken.owner}. End that one first.") from None
        left = list(marked_with(self.var))
        if left:
            print(f"ending {len(left)} processes that an earlier run left behind", flush=True)
            end_pids(left, patience_s=5)
        print("starting servers", flush=True)
        self.servers.start()
        if self.servers.postgres is not None and self.servers.postgres.is_moved:
            print(f"the database lies in {self.servers.postgres.home}: its account cannot reach {self.var}", flush=True)
        listener = listen_on(self.options.port)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._lock.note(f"{url}, pid {os.getpid()}")
        mail = listen_on(0) if "EMAIL_URL" not in os.environ else None
        is_new = self.servers.begin_preparing(self.clock.database)
        self.env = self._environment(url, f"smtp://127.0.0.1:{mail.getsockname()[1]}" if mail else None)
        accounts = self._prepare(is_new)
        self.supervisor = Supervisor(self._services(listener, mail), self.env, ROOT)
        self.supervisor.start()
        self._await_ready(url)
        print(f"\naccounts of the demo:\n{accounts}")
        if mail:
            print(f"mail is not sent but kept in {self.mail_dir}")
        print(f"logs in {self.log_dir}\nready {url}", flush=True)

    @property
    def log_dir(self) -> Path:
        return self.var / "log"

    @property
    def mail_dir(self) -> Path:
        return self.var / "mail" / self.clock.database

    def _environment(self, url: str, email_url: str | None) -> dict[str, str]:
        env = {
            **os.environ,
            MARKER: str(self.var),
            "MOC_VAR_DIR": str(self.var),
            "DATABASE_URL": self.servers.database_url(self.clock.database),
            "REDIS_URL": self.servers.redis_url(self.clock.redis_number),
            "SECRET_KEY": secret_key(self.var),
            "MOC_PORT": str(urlsplit(url).port),
            "MOC_PUBLIC_URL": os.environ.get("MOC_PUBLIC_URL", url),
            "MOC_CLOCK_OFFSET_SECONDS": str(self.clock.offset_seconds),
            "PYTHONUNBUFFERED": "1",
        }
        return env if email_url is None else {**env, "EMAIL_URL": email_url}

    def _prepare(self, is_new: bool) -> str:
        """Brings the database up to date; returns what the demo command says about accounts."""
        # Safe, because a new database is begun again unless all of this has come to its end.
        hasty = {"PGOPTIONS": "-c synchronous_commit=off"} if is_new else {}
        self._manage("migrate", "--noinput", said="migrating")
        self._manage("collectstatic", "--noinput", said="collecting static files")
        demo = ["demo", "--accounts-only"] if self.options.empty else ["demo"]
        text = self._manage(*demo, said="making accounts" if self.options.empty else "making demo data", env=hasty)
        self.servers.end_preparing(self.clock.database)
        return "\n".join(line for line in text.splitlines() if line.startswith("  "))

    def _manage(self, *arguments: str, said: str, env: Mapping[str, str] | None = None) -> str:
        """Runs a management command and returns its output. Raises RuntimeFailure with it when it fails."""
        print(said, flush=True)
        log = self.log_dir / f"{arguments[0]}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb") as out:
            command = [sys.executable, "manage.py", *arguments]
            process = spawn(command, env={**self.env, **(env or {})}, cwd=ROOT, stdout=out)
        try:
            show_progress(process, log)
        finally:
            signal_group(process, signal.SIGKILL)
            process.wait()
        text = log.read_text(errors="replace").strip("\n")
        if process.returncode != 0:
            raise RuntimeFailure(f"manage.py {arguments[0]} failed:\n{text[-4000:]}")
        return text

    def _services(self, listener: socket.socket, mail: socket.socket | None) -> list[Service]:
        services = [
            Service("web", commands.web(listener.fileno()), self.log_dir / "web.log", listener),
            *(
                Service(f"{queue} worker", commands.worker(queue), self.log_dir / f"worker-{queue}.log")
                for queue in commands.WORKERS
            ),
            Service("beat", commands.beat(), self.log_dir / "beat.log"),
        ]
        if mail:
            sink = commands.mail_sink(self.mail_dir, mail.fileno())
            services.insert(0, Service("mail", sink, self.log_dir / "mail.log", mail))
        return services

    def _await_ready(self, url: str) -> None:
        """Returns when the web server, the workers and beat all answer. Raises RuntimeFailure when they do not."""
        assert self.supervisor is not None
        print("starting web server, workers and beat", flush=True)
        checks: dict[str, Callable[[], bool]] = {
            "web server": lambda: commands.web_is_ready(url),
            **{f"{queue} worker": partial(self._worker_answers, queue) for queue in commands.WORKERS},
            "beat": self._beat_is_up,
        }
        deadline = time.monotonic() + READY_TIMEOUT_S
        while checks:
            self.supervisor.tick()
            self.supervisor.fail_if_crashing()
            checks = {name: check for name, check in checks.items() if not check()}
            if time.monotonic() > deadline:
                raise RuntimeFailure(f"No answer from: {', '.join(checks)}. The logs in {self.log_dir} tell more.")
            time.sleep(0.1)

    def _worker_answers(self, queue: str) -> bool:
        asked = subprocess.run(commands.worker_ping(queue), env=self.env, cwd=ROOT, capture_output=True, check=False)
        return asked.returncode == 0

    def _beat_is_up(self) -> bool:
        assert self.supervisor is not None
        return "beat: Starting" in self.supervisor.service("beat").output()

    def _watch(self) -> NoReturn:
        assert self.supervisor is not None
        noted_at = 0.0
        while True:
            self.supervisor.tick()
            self.servers.restart_dead()
            if time.monotonic() - noted_at > 15:
                self.clock.remember()
                noted_at = time.monotonic()
            time.sleep(0.25)

    def _end(self) -> None:
        """Ends everything this run started, politely first, and at once when asked a second time."""
        self._asked_to_end = True  # from here on a signal means hurry, it no longer interrupts
        if self.supervisor is not None:
            self.supervisor.ask_to_end()
            wait_until(lambda: self.in_a_hurry or not self.supervisor_is_busy(), END_TIMEOUT_S)
            self.supervisor.signal_all(signal.SIGKILL)
            wait_until(lambda: not self.supervisor_is_busy(), 5)
        self.clock.remember()
        self.servers.stop(hard=self.in_a_hurry)
        self._lock.release()

    def supervisor_is_busy(self) -> bool:
        return self.supervisor is not None and self.supervisor.any_alive()


def show_progress(process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits for the process and passes on the lines in which it says how far the demo data are."""
    with open(log, errors="replace") as lines:
        while True:
            is_over = process.poll() is not None
            while line := lines.readline():
                if line.startswith(PROGRESS):
                    print(f"  {line.rstrip()}", flush=True)
            if is_over:
                return
            time.sleep(0.2)
