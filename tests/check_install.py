"""``make check-install``: a fresh clone runs, ends and leaves nothing, whoever starts it and however it is killed.

Standard library only. Needs root, to be two people: root, and a user made for the occasion and removed afterwards.
For each: clone HEAD into a path with spaces, take the usual ports away, then start and end it in the ways below.
"""

from __future__ import annotations

import http.client
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
TAKEN_PORTS = (8000, 5432, 6379)
USER = "moc-check"
INSTALL_TIMEOUT_S = 1800
START_TIMEOUT_S = 300
PASSED_ON = ("PIP_", "SSL_CERT", "REQUESTS_CA", "CURL_CA", "http_proxy", "https_proxy", "no_proxy", "HTTP_P", "HTTPS_P")


def say(text: str) -> None:
    print(text, flush=True)


def fail(text: str) -> None:
    raise SystemExit(f"FAILED: {text}")


class Checkout:
    """One clone and the person who runs it."""

    def __init__(self, account: pwd.struct_passwd, folder: Path) -> None:
        self.account = account
        self.folder = folder
        self.log = folder.parent / "make-run.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._as = {} if account.pw_uid == 0 else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        # Root's PATH may lead into root's home, where another user finds nothing.
        path = os.environ["PATH"] if self.account.pw_uid == 0 else "/usr/local/bin:/usr/bin:/bin"
        return {**kept, "PATH": path, "HOME": self.account.pw_dir, "USER": self.account.pw_name, "LANG": "C.UTF-8"}

    def command(self, *words: str, cwd: Path | None = None) -> None:
        subprocess.run(words, cwd=cwd or self.folder, env=self.environ(), check=True, **self._as)

    def start(self, *arguments: str) -> None:
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["make", "run", *arguments],
                cwd=self.folder,
                env=self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._as,
            )

    def wait_for(self, text: str, timeout_s: float) -> str:
        """The first line of output that begins with ``text``."""
        deadline = time.monotonic() + timeout_s
        while True:
            lines = self.log.read_text(errors="replace").splitlines()
            for line in lines:
                if line.startswith(text):
                    return line
            assert self.process is not None
            if self.process.poll() is not None or time.monotonic() > deadline:
                fail(f"no line {text!r} from make run:\n" + "\n".join(lines[-30:]))
            time.sleep(0.1)

    def wait_until_ready(self, timeout_s: float) -> str:
        url = self.wait_for("ready ", timeout_s).split()[1]
        if urlsplit(url).port in TAKEN_PORTS:
            fail(f"{url} is a port that was taken")
        text = page(url)
        if "<form" not in text or 'type="password"' not in text:
            fail(f"{url}/ does not lead to the sign-in page:\n{text[:500]}")
        return url

    def signal_group(self, number: signal.Signals) -> None:
        """What a terminal does on Ctrl-C: the signal goes to make and to what it runs, not to one process."""
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def wait_for_end(self, timeout_s: float) -> None:
        assert self.process is not None
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            fail(f"make run did not end within {timeout_s:.0f} s")


def page(url: str) -> str:
    """The page at ``url``/ after its redirects; fails unless it is a 200."""
    target = url + "/"
    for _hop in range(6):
        parts = urlsplit(target)
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        answer = connection.getresponse()
        if answer.status in (301, 302):
            location = answer.headers["Location"]
            target = location if "://" in location else f"{url}{location}"
            continue
        if answer.status != 200:
            fail(f"{target} answered {answer.status}")
        return answer.read().decode()
    return fail(f"{url}/ redirects for ever") or ""


def processes_of(checkout: Checkout) -> dict[int, str]:
    """Every process that works in the clone, names it, or belongs to the user made for this check."""
    found = {}
    place = str(checkout.folder).encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            where = os.fsencode(os.readlink(entry / "cwd"))
            owned = entry.stat().st_uid == checkout.account.pw_uid != 0
            inherited = (entry / "environ").read_bytes()
        except OSError:  # gone meanwhile
            continue
        if owned or place in words or place in inherited or where.startswith(place):
            found[int(entry.name)] = words.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def expect_nothing_left(checkout: Checkout, after: str, patience_s: float = 0) -> None:
    deadline = time.monotonic() + patience_s
    while (left := processes_of(checkout)) and time.monotonic() < deadline:
        time.sleep(0.2)
    if left:
        fail(f"after {after} these still run:\n" + "\n".join(f"  {pid} {words}" for pid, words in left.items()))
    say(f"    nothing left after {after}")


def starts_and_ends(checkout: Checkout) -> None:
    checkout.start()
    say(f"    {checkout.wait_until_ready(INSTALL_TIMEOUT_S)}")
    checkout.signal_group(signal.SIGINT)
    checkout.wait_for_end(60)
    expect_nothing_left(checkout, "Ctrl-C")


def survives_kill_while_starting(checkout: Checkout) -> None:
    checkout.start()
    checkout.wait_for("migrating", START_TIMEOUT_S)
    checkout.signal_group(signal.SIGKILL)
    checkout.wait_for_end(10)
    expect_nothing_left(checkout, "kill -9 while starting", patience_s=60)


def survives_kill_while_running(checkout: Checkout) -> None:
    checkout.start()
    say(f"    {checkout.wait_until_ready(START_TIMEOUT_S)}")
    checkout.signal_group(signal.SIGKILL)
    checkout.wait_for_end(10)
    # At once again: what the killed one held may still be on its way out.
    checkout.start()
    say(f"    {checkout.wait_until_ready(START_TIMEOUT_S)}")
    checkout.signal_group(signal.SIGINT)
    checkout.wait_for_end(60)
    expect_nothing_left(checkout, "kill -9, a new start and Ctrl-C")


def ends_with_make(checkout: Checkout) -> None:
    checkout.start("EMPTY=1")
    say(f"    {checkout.wait_until_ready(START_TIMEOUT_S)}")
    assert checkout.process is not None
    checkout.process.kill()
    checkout.wait_for_end(10)
    expect_nothing_left(checkout, "kill -9 of make alone", patience_s=60)


def gives_way_to_impatience(checkout: Checkout) -> None:
    checkout.start("EMPTY=1")
    checkout.wait_until_ready(START_TIMEOUT_S)
    checkout.signal_group(signal.SIGINT)
    time.sleep(0.3)
    checkout.signal_group(signal.SIGINT)
    checkout.wait_for_end(15)
    expect_nothing_left(checkout, "two Ctrl-C", patience_s=5)


STEPS: tuple[Callable[[Checkout], None], ...] = (
    starts_and_ends,
    survives_kill_while_starting,
    survives_kill_while_running,
    ends_with_make,
    gives_way_to_impatience,
)


@contextmanager
def taken_ports() -> Iterator[None]:
    """Somebody else's servers on the usual ports. Checks at the end that they still listen."""
    held = []
    for port in TAKEN_PORTS:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:  # taken already, which is as good
            listener.close()
            continue
        listener.listen()
        held.append(listener)
    # A stranger who looks like ours: same names, another folder.
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100000)", "postgres", "valkey-server"])
    try:
        yield
        if stranger.poll() is not None:
            fail("a process of somebody else was ended")
    finally:
        stranger.kill()
        stranger.wait()
        for listener in held:
            listener.close()


@contextmanager
def new_user() -> Iterator[pwd.struct_passwd]:
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", USER], check=True)
    try:
        yield pwd.getpwnam(USER)
    finally:
        subprocess.run(["userdel", "--remove", USER], check=True, capture_output=True)


def check(account: pwd.struct_passwd, base: Path, bundle: Path) -> None:
    say(f"as {account.pw_name}")
    base.mkdir(mode=0o755)
    os.chown(base, account.pw_uid, account.pw_gid)
    checkout = Checkout(account, base / "console")
    checkout.command(
        "git", "-c", "advice.detachedHead=false", "clone", "--quiet", str(bundle), str(checkout.folder), cwd=base
    )
    for step in STEPS:
        say(f"  {step.__name__.replace('_', ' ')}")
        try:
            step(checkout)
        finally:
            for pid in processes_of(checkout):
                os.kill(pid, signal.SIGKILL)
    changed = subprocess.run(
        ["git", "-c", "safe.directory=*", "status", "--porcelain"],
        cwd=checkout.folder,
        text=True,
        capture_output=True,
        check=True,
    )
    if changed.stdout.strip():
        fail(f"running left files that git does not ignore:\n{changed.stdout}")
    checkout.command("make", "--silent", "clean")


def main() -> None:
    if os.geteuid() != 0:
        fail("this check becomes another user, so it needs root:\n  sudo make check-install")
    began = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix="moc-check-", dir="/var/tmp"))
    scratch.chmod(0o755)
    try:
        bundle = scratch / "head.bundle"
        subprocess.run(["git", "bundle", "create", "--quiet", str(bundle), "HEAD"], cwd=ROOT, check=True)
        bundle.chmod(0o644)
        with taken_ports():
            check(pwd.getpwuid(0), scratch / "a path with spaces", bundle)
            with new_user() as account:
                check(account, Path(account.pw_dir) / "a path with spaces", bundle)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say(f"check-install passed in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
