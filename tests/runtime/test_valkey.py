"""The embedded Valkey: ours alone, and replaceable at any moment."""

import subprocess
import sys
from pathlib import Path

import pytest
import redis

from config.runtime.processes import Taken, running_in, wait_until
from config.runtime.servers import ROOT
from config.runtime.valkey import PROGRAM, EmbeddedValkey

OWNER = """
import sys, time
from pathlib import Path
from config.runtime.valkey import EmbeddedValkey
server = EmbeddedValkey(Path(sys.argv[1]))
server.start()
print(server.url(), flush=True)
time.sleep(600)
"""


def test_answers_with_the_password_only(place: Path) -> None:
    with EmbeddedValkey(place / "valkey") as server:
        assert redis.Redis.from_url(server.url()).ping()
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=server.port or 0).ping()
        assert (place / "valkey" / "valkey.conf").stat().st_mode & 0o077 == 0


def test_restarts_empty_at_the_same_url(place: Path) -> None:
    with EmbeddedValkey(place / "valkey") as server:
        url = server.url()
        redis.Redis.from_url(url).set("a", 1)
        server.restart()
        assert server.url() == url
        assert redis.Redis.from_url(url).get("a") is None


def test_one_owner_at_a_time_and_others_attach(place: Path) -> None:
    with EmbeddedValkey(place / "valkey") as server:
        other = EmbeddedValkey(place / "valkey")
        with pytest.raises(Taken):
            other.start()
        assert other.attach()
        other.stop()
        assert redis.Redis.from_url(server.url()).ping()


def test_ends_when_its_owner_is_killed(place: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER, place / "valkey"], cwd=ROOT, stdout=subprocess.PIPE)
    assert owner.stdout is not None
    assert redis.Redis.from_url(owner.stdout.readline().decode().strip()).ping()
    owner.kill()
    owner.communicate()
    assert wait_until(lambda: not running_in(place / "valkey", PROGRAM), 10)
    with EmbeddedValkey(place / "valkey") as server:
        assert redis.Redis.from_url(server.url()).ping()


def test_a_strangers_valkey_is_left_alone(place: Path) -> None:
    with EmbeddedValkey(place / "one") as stranger, EmbeddedValkey(place / "two"):
        assert redis.Redis.from_url(stranger.url()).ping()
    assert not running_in(place / "one", PROGRAM)
