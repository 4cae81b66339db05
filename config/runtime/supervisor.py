"""Keeps a set of processes alive: watches, restarts with growing pauses, ends them in order."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.runtime.processes import RuntimeFailure, signal_group, spawn

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
HEALTHY_AFTER_S = 60.0
LARGEST_LOG_BYTES = 20 * 1024**2


@dataclass
class Service:
    """One process to keep alive: its command, its log and how it is asked to end."""

    name: str
    command: Sequence[str]
    log: Path
    listener: socket.socket | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    crashes: int = 0
    due_at: float = 0.0
    output_from: int = 0

    def start(self, env: Mapping[str, str], cwd: Path) -> None:
        """Starts the process; its output is appended to the log, which is turned over when large."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        descriptors = [self.listener.fileno()] if self.listener else []
        with open(self.log, "ab") as log:
            self.output_from = log.tell()
            self.process = spawn(
                self.command,
                env=env,
                cwd=cwd,
                stdout=log,
                parent_signal=signal.SIGKILL if self.name == "worker" else signal.SIGTERM,
                pass_fds=descriptors,
            )
        self.started_at = time.monotonic()

    def output(self) -> str:
        """What the process has written since its latest start."""
        with open(self.log, "rb") as log:
            log.seek(self.output_from)
            return log.read().decode(errors="replace")


class Supervisor:
    """Runs services until told to stop. Not thread-safe: one thread starts, ticks and stops."""

    def __init__(self, services: Sequence[Service], env: Mapping[str, str], cwd: Path) -> None:
        self.services = list(services)
        self.env = env
        self.cwd = cwd

    def service(self, name: str) -> Service:
        return next(service for service in self.services if service.name == name)

    def start(self) -> None:
        for service in self.services:
            service.start(self.env, self.cwd)

    def tick(self) -> None:
        """Notices what died, says so, and starts it again when its pause is over."""
        moment = time.monotonic()
        for service in self.services:
            if service.process is not None and service.process.poll() is not None:
                self._note_death(service, moment)
            elif service.process is None and moment >= service.due_at:
                service.start(self.env, self.cwd)

    def _note_death(self, service: Service, moment: float) -> None:
        assert service.process is not None
        # What it started would otherwise live on without it.
        signal_group(service.process, signal.SIGKILL)
        if moment - service.started_at > HEALTHY_AFTER_S:
            service.crashes = 0
        pause_s = min(FIRST_PAUSE_S * 2**service.crashes, LONGEST_PAUSE_S)
        service.crashes += 1
        service.due_at = moment + pause_s
        code = service.process.returncode
        service.process = None
        how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
        print(f"{service.name} ended ({how}); starting it again in {pause_s:.0f} s. Log: {service.log}", flush=True)

    def fail_if_crashing(self, limit: int = 3) -> None:
        """Raises RuntimeFailure with the end of its log when a service cannot stay up."""
        for service in self.services:
            if service.crashes >= limit:
                raise RuntimeFailure(f"{service.name} does not stay up. It says:\n{tail(service.output())}")

    def signal_all(self, number: signal.Signals) -> None:
        for service in self.services:
            if service.process is not None:
                signal_group(service.process, number)

    def any_alive(self) -> bool:
        return any(s.process is not None and s.process.poll() is None for s in self.services)

    def ask_to_end(self) -> None:
        """Asks each leader to finish what it holds; the leaders end their own helpers."""
        for service in self.services:
            if service.process is not None and service.process.poll() is None:
                service.process.send_signal(signal.SIGTERM)


def tail(text: str, lines: int = 15) -> str:
    return "\n".join(text.splitlines()[-lines:])
