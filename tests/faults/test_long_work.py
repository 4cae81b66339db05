"""What takes minutes never holds up what must follow a fact within seconds."""

import psycopg
import pytest

from config.celery import app
from config.runtime import commands
from tests.faults.house import House

pytestmark = [pytest.mark.serial, pytest.mark.timeout(600)]

HELD = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'relation'"
UNJUDGED = "SELECT count(*) FROM members_memberlifecycle WHERE lifecycle_state IS NULL"


def test_every_queue_has_a_worker():
    assert {queue.name for queue in app.conf.task_queues} == commands.WORKERS.keys()


def test_members_are_judged_while_long_work_holds_its_worker(house: House):
    """A lock keeps tags from coming to an end, which stands for a refresh of a million members."""
    house.fresh("long_work", 20)
    house.sink()
    with psycopg.connect(house.postgres.url(house.database)) as held:
        held.execute("LOCK TABLE members_tag, members_segment IN ACCESS EXCLUSIVE MODE")
        for queue in commands.WORKERS:
            house.product_worker(queue)
        house.beat()
        with psycopg.connect(house.postgres.url(house.database), autocommit=True) as reader:

            def count(sql: str) -> int:
                return int(reader.execute(sql).fetchall()[0][0])

            house.hold(90, lambda: count(HELD) >= commands.WORKERS["long"], "long work holds every place it has")
            reader.execute("UPDATE members_memberlifecycle SET next_due_at = %s", [house.now])
            house.hold(20, lambda: count(UNJUDGED) == 0, "everybody is judged")
        held.rollback()
