"""Ports, locks, marks and the supervisor: what ends and starts processes must know whose they are."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config.runtime.processes import (
    MARKER,
    FolderLock,
    RuntimeFailure,
    Taken,
    end_pids,
    is_running,
    listen_on,
    marked_with,
    runs_in,
    wait_until,
)
from config.runtime.servers import ROOT
from config.runtime.supervisor import Service, Supervisor

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
SUPERVISING = """
import sys, time
from pathlib import Path
from config.runtime.supervisor import Service, Supervisor
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
supervisor = Supervisor([Service("one", sleep, Path(sys.argv[1]) / "one.log")], {}, Path("/"))
supervisor.start()
print(supervisor.services[0].process.pid, flush=True)
time.sleep(600)
"""


def test_a_taken_port_gives_the_next() -> None:
    with listen_on(0) as taken:
        port = taken.getsockname()[1]
        with listen_on(port) as other:
            assert port < other.getsockname()[1] <= port + 100


def test_a_port_taken_on_every_address_is_taken() -> None:
    with socket.socket() as everywhere:
        everywhere.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        everywhere.bind(("0.0.0.0", 0))
        everywhere.listen()
        port = everywhere.getsockname()[1]
        with listen_on(port) as other:
            assert other.getsockname()[1] != port


def test_no_port_at_all_is_said() -> None:
    with listen_on(0) as taken, pytest.raises(RuntimeFailure, match="No free port"):
        listen_on(taken.getsockname()[1], tries=1)


def test_a_lock_tells_who_holds_it_and_frees_with_its_holder(place: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from config.runtime.processes import FolderLock;"
        "lock = FolderLock(Path(sys.argv[1])); lock.acquire(); lock.note('http://somewhere');"
        "print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, place / "a.lock"], cwd=ROOT, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    lock = FolderLock(place / "a.lock")
    with pytest.raises(Taken) as told:
        lock.acquire()
    assert told.value.owner == "http://somewhere"
    holder.kill()
    holder.communicate()
    lock.acquire()
    lock.release()


def test_only_processes_of_this_folder_are_recognised(place: Path) -> None:
    ours = subprocess.Popen(SLEEP, env={MARKER: str(place)})
    strangers = [
        subprocess.Popen(SLEEP, env={MARKER: f"{place}-other"}),
        subprocess.Popen(SLEEP, env={"NOTE": str(place)}, cwd=place),
    ]
    try:
        assert wait_until(lambda: list(marked_with(place)) == [ours.pid], 5)
        end_pids([ours.pid])
        assert ours.poll() is not None
        assert all(is_running(stranger.pid) for stranger in strangers)
    finally:
        for process in (ours, *strangers):
            process.kill()
            process.wait()


def test_a_shell_in_a_servers_folder_is_no_server(place: Path) -> None:
    shell = subprocess.Popen(["sleep", "600"], cwd=place)
    try:
        assert wait_until(lambda: runs_in(shell.pid, place, "sleep") or runs_in(shell.pid, place, "coreutils"), 5)
        assert not runs_in(shell.pid, place, "postgres")
        assert not runs_in(shell.pid, place.parent, "sleep")
    finally:
        shell.kill()
        shell.wait()


def test_a_zombie_does_not_count_as_running() -> None:
    child = subprocess.Popen(["true"])
    assert wait_until(lambda: not is_running(child.pid), 5)
    child.wait()


def test_ends_what_does_not_want_to_end(place: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(9)"
    )
    deaf = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert deaf.stdout is not None
    deaf.stdout.readline()
    end_pids([deaf.pid], patience_s=0.2)
    assert deaf.wait(1) == -signal.SIGKILL
    deaf.stdout.close()


def test_a_dead_service_is_started_again_after_growing_pauses(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.runtime.supervisor.FIRST_PAUSE_S", 0.05)
    service = Service("flaky", [sys.executable, "-c", "print('why'); raise SystemExit(3)"], place / "flaky.log")
    supervisor = Supervisor([service], dict(os.environ), ROOT)
    supervisor.start()
    pauses = []
    deadline = time.monotonic() + 20
    while service.crashes < 3 and time.monotonic() < deadline:
        before = service.crashes
        supervisor.tick()
        if service.crashes > before:
            pauses.append(service.due_at - time.monotonic())
        time.sleep(0.01)
    assert pauses[0] < pauses[1] < pauses[2]
    assert "flaky ended (exit code 3); starting it again" in capsys.readouterr().out
    with pytest.raises(RuntimeFailure, match="why"):
        supervisor.fail_if_crashing()


def test_services_die_with_a_killed_supervisor(place: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", SUPERVISING, place], cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    service = int(owner.stdout.readline())
    assert is_running(service)
    owner.kill()
    owner.communicate()
    assert wait_until(lambda: not is_running(service), 5)
