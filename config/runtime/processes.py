"""Starting, recognising and ending processes, and choosing ports. Linux only."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

# Every Python process of a run carries this variable with the run's folder, so that what a killed run
# left behind is recognised as ours, and nothing else ever is.
MARKER = "MOC_RUN_DIR"
PR_SET_PDEATHSIG = 1
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - memory that the kernel lends, not a folder for temporary files
_libc = ctypes.CDLL(None, use_errno=True)


class RuntimeFailure(Exception):
    """Something a person must mend; the message says what and how."""


class Taken(RuntimeFailure):
    """Another living process owns the folder; ``owner`` is its note."""

    def __init__(self, path: Path, owner: str) -> None:
        super().__init__(f"{path.parent} is in use by another command ({owner}). Let it finish, or end it.")
        self.owner = owner


class Account(NamedTuple):
    """The system user a server runs as when we are root."""

    name: str
    uid: int
    gid: int


def run_as(account: Account | None) -> dict[str, Any]:
    """The arguments with which subprocess starts something as ``account``; none for ourselves."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


class FolderLock:
    """One living owner per folder; the kernel frees it when the owner dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Raises Taken when a living process holds it."""
        if self._file is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        held = open(self.path, "a+")  # noqa: SIM115 - open for as long as the lock is held
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            note = held.read().strip()
            held.close()
            raise Taken(self.path, note) from None
        self._file = held
        self.note(f"pid {os.getpid()}")

    def note(self, text: str) -> None:
        """What somebody who finds the folder taken is told."""
        assert self._file is not None
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def die_with_parent(parent_signal: signal.Signals, parent_pid: int) -> None:
    """Asks the kernel to send this process ``parent_signal`` when the thread that started it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, int(parent_signal), 0, 0, 0)
    if os.getppid() != parent_pid:  # the parent died before the request was in place
        os.kill(os.getpid(), parent_signal)


def spawn(
    command: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: IO[bytes] | int | None = None,
    account: Account | None = None,
    parent_signal: signal.Signals | None = signal.SIGTERM,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Starts ``command`` in a session of its own, so that a Ctrl-C reaches only the supervisor.

    ``parent_signal`` is what the process gets when the starting thread ends, even
    by kill -9; None lets it live on.
    """
    parent_pid = os.getpid()

    def prepare() -> None:
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        # Runs after the change of user, which would clear the request.
        if parent_signal is not None:
            die_with_parent(parent_signal, parent_pid)

    return subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT if stdout is not None else None,
        start_new_session=True,
        preexec_fn=prepare,
        pass_fds=pass_fds,
        **run_as(account),
    )


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signals the process and all it started (it leads its own group). Does nothing once it is gone."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a zombie, which holds nothing any more."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def runs_in(pid: int, folder: Path, program: str, account: Account | None = None) -> bool:
    """Whether ``pid`` is ``program`` at work in ``folder``: how a server of ours is told from a stranger's.

    Asked as ``account``, since even root may not look into another user's process in some containers.
    """
    links = [f"/proc/{pid}/cwd", f"/proc/{pid}/exe"]
    asked = subprocess.run(["readlink", *links], text=True, capture_output=True, check=False, **run_as(account))
    if asked.returncode != 0 or not is_running(pid):
        return False
    cwd, exe = asked.stdout.splitlines()
    # " (deleted)" follows the name when the virtual environment was made anew under a running server.
    return Path(cwd) == folder.resolve() and Path(exe.removesuffix(" (deleted)")).name == program


def running_in(folder: Path, program: str, account: Account | None = None) -> list[int]:
    """Every process of ``program`` at work in ``folder``."""
    named = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == program[:15]:
                named.append(int(entry.name))
        except OSError:  # gone meanwhile
            continue
    return [pid for pid in named if runs_in(pid, folder, program, account)]


def ancestors() -> set[int]:
    """This process and everything above it."""
    found, pid = set(), os.getpid()
    while pid > 1:
        found.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found


def marked_with(run_dir: Path) -> Iterator[int]:
    """Processes that a run of this folder started, apart from this one and those above it."""
    wanted = f"{MARKER}={run_dir}".encode()
    spared = ancestors()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in spared:
            continue
        try:
            environ = (entry / "environ").read_bytes()
        except OSError:  # gone meanwhile, or another user's
            continue
        if wanted in environ.split(b"\0") and is_running(int(entry.name)):
            yield int(entry.name)


def end_pids(pids: Sequence[int], *, first: signal.Signals = signal.SIGTERM, patience_s: float = 10) -> None:
    """Signals the processes, waits, and kills what is left after ``patience_s``."""
    for number, seconds in ((first, patience_s), (signal.SIGKILL, 5.0)):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        if wait_until(lambda: not any(is_running(pid) for pid in pids), seconds):
            return


def wait_until(condition: Callable[[], bool], timeout_s: float, *, step_s: float = 0.05) -> bool:
    """Asks until the answer is yes or the time is over; returns the last answer."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(step_s)
    return True


def free_port() -> int:
    """A loopback port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listen_on(first_port: int, *, tries: int = 100) -> socket.socket:
    """A listening loopback socket on ``first_port`` or, if that is taken, the next free one above; 0 means any.

    Raises RuntimeFailure when none of ``tries`` ports is free.
    """
    for port in range(first_port, min(first_port + tries, 65536)) if first_port else (0,):
        listener = socket.socket()
        # Without this a port stays taken for a minute after a stop.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(2048)
        except PermissionError:
            listener.close()
            raise RuntimeFailure(f"Port {port} needs root. Choose one above 1023: make run PORT=8000") from None
        except OSError:
            listener.close()
            continue
        return listener
    raise RuntimeFailure(f"No free port from {first_port} on. Choose another: make run PORT=9000")


def write_private(path: Path, text: str) -> None:
    """Writes a file only its owner can read, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    partial.replace(path)


def python_command(*arguments: str) -> list[str]:
    """``python -m …`` with this interpreter: scripts in a venv may not start from a path with spaces."""
    return [sys.executable, "-m", *arguments]
