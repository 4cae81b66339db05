"""Kill, flush and restart everything while reminders go out: nothing lost, nothing twice, few unknown."""

import os
import random
import time

import pytest

from tests.faults.house import House

pytestmark = [pytest.mark.serial, pytest.mark.timeout(600)]
SEED = int(os.environ.get("FAULT_SEED", "20261122"))


def wait_settled(house: House, members: int, seconds: float = 120) -> None:
    house.hold(seconds, lambda: house.is_settled(members), "every due message has come to an end")


def honest(house: House, members: int, *, kills: int) -> dict:
    report = house.report()
    assert report["balanced"], report
    assert report["duplicates_count"] == 0, report
    assert report["sent_but_not_at_sink_count"] == 0, report
    assert report["at_sink_but_never_on_wire_count"] == 0, report
    assert report["unknown"] == report["unknown_count"] <= kills, report
    assert report["planned"] == members * 8, report
    assert report["ok"], report
    return report


STAGES = ["banner", "mail", "rcpt", "data", "dot"]


def kill_at_every_stage(house: House, members: int, *, without: str = "") -> None:
    """For each stage: the server stalls there, the worker is killed there, another one goes on."""
    sink = house.sink("--at", f"{STAGES[0]}=stall", "--times", "1", "--announce")
    house.beat()
    for n, stage in enumerate(STAGES):
        worker = house.worker(without=without)
        assert sink.stdout is not None
        assert sink.stdout.readline().split()[0].decode() == stage
        house.kill(worker)
        house.kill(sink)
        following = STAGES[n + 1 :][:1]
        sink = house.sink(*(["--at", f"{following[0]}=stall", "--times", "1"] if following else []), "--announce")
    house.worker(without=without)
    wait_settled(house, members)


def test_a_worker_killed_at_every_stage(house: House):
    house.fresh("stages", 40)
    kill_at_every_stage(house, 40)
    report = honest(house, 40, kills=1)
    # Before the dot nothing was on the wire and all of it was sent again; at the dot nobody knows.
    assert report["unknown"] == 1
    assert house.counts() == {"sent": 39, "unknown": 1}
    assert house.counts("in_app") == {"sent": 40}


def storm(house: House, members: int, *, rounds: int, seed: int, without: str = "") -> int:
    """Two beats, two workers and a slow server; at random moments something dies. Returns the kills of workers."""
    chance = random.Random(seed)
    house.sink("--delay", "0.002")
    beats = [house.beat(), house.beat()]
    workers = [house.worker(f"w{n}", without) for n in range(2)]
    house.hold(60, lambda: house.counts().get("sent", 0) > 0, "the first message is sent")
    kills = 0
    for n in range(rounds):
        time.sleep(chance.uniform(0.2, 2.0))
        match ["worker", "flush", "worker", "postgres", "beat", "valkey"][n % 6]:
            case "worker":
                victim = chance.randrange(2)
                house.kill(workers[victim])
                workers[victim] = house.worker(f"w{victim}", without)
                # Each of its two processes may have had a message on the wire.
                kills += 2
            case "flush":
                house.flush()
            case "postgres":
                house.postgres.restart()
            case "beat":
                house.kill(beats.pop(0))
                beats.append(house.beat())
            case "valkey":
                house.valkey.stop()
                house.valkey.start()
    wait_settled(house, members, 60 + members / 10)
    return kills


def test_a_storm(house: House):
    house.fresh("storm", 1500)
    kills = storm(house, 1500, rounds=6, seed=SEED)
    honest(house, 1500, kills=kills)


@pytest.mark.soak
@pytest.mark.parametrize("n", range(10))
def test_many_storms(house: House, n: int):
    house.fresh(f"storm_{n}", 6000)
    kills = storm(house, 6000, rounds=24, seed=SEED + n)
    honest(house, 6000, kills=kills)


def test_a_server_with_every_kind_of_answer(house: House):
    """Addresses begin with good, bad, slow or odd, a quarter each."""
    house.fresh("answers", 80)
    house.sink("--rcpt-by", "bad=550 5.1.1 no", "slow=450 4.2.0 later", "--at", "dot=drop", "--times", "2")
    house.beat()
    house.worker()
    house.hold(60, lambda: house.counts().get("pending", 0) == 20 and not house.counts().get("claimed"), "all tried")
    report = house.report()
    counts = house.counts()
    assert counts["failed"] == 20
    assert counts["unknown"] == 2
    assert report["unknown_at_sink"] == 2
    assert counts["sent"] == 38
    assert report["duplicates_count"] == 0
    assert report["ok"]


def test_the_server_restarts_under_a_worker_that_lives(house: House):
    """Nobody was killed, so nothing may be unknown: a worker keeps what it knows until the database is back.

    Often, since a process that keeps what a restart broke has more of it after each.
    """
    house.fresh("restarted", 800)
    house.sink("--delay", "0.002")
    house.beat()
    house.worker()
    for _ in range(8):
        before = house.counts().get("sent", 0)
        house.hold(60, lambda before=before: house.counts().get("sent", 0) > before, "some are sent")
        house.postgres.restart()
    wait_settled(house, 800)
    honest(house, 800, kills=0)
