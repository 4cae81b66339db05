"""The lifecycle sweep: due members judged, logged and written, beside a bare UPDATE with its log; and an idle one."""

import statistics
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from members.lifecycle.models import LifecycleTransition, MemberLifecycle
from members.lifecycle.operations.moves import move_member
from members.lifecycle.operations.sweep import active_policy, sweep, sweep_unbraked
from tests.bench.base import execute, made_at
from tests.bench.measuring import Scene, interleaved, line, rest, run_sql, seconds

# Of a million members: what a day brings due.
DUE_SHARE = 20
LOOP_ROWS = 500
EXECUTOR_ROWS = 100


def due_sweep(scene: Scene) -> Iterator[dict[str, Any]]:
    """A twentieth of the members due, every one of them to be moved."""
    at = made_at() + timedelta(days=1)
    wanted = max(scene.members // DUE_SHARE, 1)
    moves = _choose_due(at, wanted)
    policy = active_policy()
    bare_params = {"at": at, "policy": policy.pk}

    def ours() -> None:
        sweep(at=at)

    def bare() -> None:
        run_sql("sweep", bare_params)

    pair = interleaved(ours, bare, runs=scene.runs, restore=lambda: run_sql("sweep_restore"))
    run_sql("sweep_restore")
    rest()
    lean, executor = _loops(at)
    lean_s, executor_s = lean * moves, executor * moves
    yield line(
        "sweep", scene, ours_s=pair.ours_s, limit_s=pair.bare_s, goal="<= 1.5x bare, >= 80x an audited fsm loop",
        met=pair.ours_s <= 1.5 * pair.bare_s and lean_s >= 80 * pair.ours_s, due=moves,
        loop_ratio=lean_s / pair.ours_s, loop_rows_per_s=1 / lean, executor_ratio=executor_s / pair.ours_s,
        moves=_matrix(), stack_figure="bare on the narrow table 0.68 s; fsm loop with log 520 rows/s",
    )  # fmt: skip


def _choose_due(at: Any, wanted: int) -> int:
    """Leave due only members whom the sweep moves, ``wanted`` at most, a mix as the day brings it; returns how many."""
    execute("CREATE UNLOGGED TABLE bench_state AS SELECT * FROM members_memberlifecycle")
    execute("CREATE UNLOGGED TABLE bench_last AS SELECT coalesce(max(id), 0) AS id FROM members_lifecycletransition")
    execute("CREATE UNLOGGED TABLE bench_tags AS SELECT * FROM members_membertag")
    sweep_all(at)
    execute(
        """CREATE UNLOGGED TABLE bench_due AS
        SELECT DISTINCT ON (t.member_id) t.member_id, t.to_state, t.move, t.rule
        FROM members_lifecycletransition t, bench_last l WHERE t.id > l.id ORDER BY t.member_id, t.id"""
    )
    # The first ones by a scattered order, so that the mix stays and no page is favoured.
    execute(
        "DELETE FROM bench_due WHERE member_id NOT IN "
        "(SELECT member_id FROM bench_due ORDER BY hashint8(member_id) LIMIT %(n)s)",
        {"n": wanted},
    )
    execute("CREATE UNIQUE INDEX ON bench_due (member_id)")
    execute(
        "UPDATE bench_state s SET next_due_at = %(later)s WHERE next_due_at <= %(at)s "
        "AND NOT EXISTS (SELECT 1 FROM bench_due d WHERE d.member_id = s.member_id)",
        {"at": at, "later": at + timedelta(days=1)},
    )
    execute("CREATE UNIQUE INDEX ON bench_state (member_id)")
    run_sql("sweep_restore")
    rest()
    return MemberLifecycle.objects.due(at).count()


def sweep_all(at: Any) -> None:
    """The rehearsal: everybody the day brings, under no brake."""
    sweep_unbraked(at=at, policy=active_policy())


def _matrix() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT move, count(*) FROM bench_due GROUP BY 1 ORDER BY 2 DESC")
        return dict(cursor.fetchall())


def _loops(at: Any) -> tuple[float, float]:
    """Seconds a row of the usual Django loop, and of the product's own executor that also judges the member."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT member_id, to_state, move, rule FROM bench_due ORDER BY member_id LIMIT %s",
            [LOOP_ROWS + EXECUTOR_ROWS],
        )
        rows = cursor.fetchall()
    some = max(len(rows) * LOOP_ROWS // (LOOP_ROWS + EXECUTOR_ROWS), 1)
    policy = active_policy()

    def loop() -> None:
        for member_id, target, move, rule in rows[:some]:
            _move_one(member_id, target, move, rule, policy, at)

    def executor() -> None:
        for member_id, *_ in rows[some:]:
            move_member(member_id=member_id, at=at, actor=None)

    return seconds(loop) / some, seconds(executor) / max(len(rows) - some, 1)


@transaction.atomic
def _move_one(member_id: int, target: str, move: str, rule: str, policy: Any, at: Any) -> None:
    """The audited loop people write: lock, transition, log, save. The rule is given, nothing is judged."""
    row = MemberLifecycle.objects.select_for_update().get(member_id=member_id)
    row.target_state, row.target_rule = target, rule
    source = row.lifecycle_state
    getattr(row, move)()
    entry = LifecycleTransition.objects.create(
        member_id=member_id, from_state=source, to_state=row.lifecycle_state, move=move, rule=rule, policy=policy,
        effective_at=at, recorded_at=at, facts={"rule": rule},
    )  # fmt: skip
    row.transition_id, row.state_since, row.next_due_at = entry.pk, at, None
    row.save(
        update_fields=["lifecycle_state", "target_state", "target_rule", "transition_id", "state_since", "next_due_at"]
    )


def idle_sweep(scene: Scene) -> Iterator[dict[str, Any]]:
    """Nobody due: what the tick of every second costs the database."""
    at = made_at()
    rest()
    sweep(at=at)
    taken = []
    for _ in range(max(scene.runs, 3) * 20):
        watch = _Stopwatch()
        with connection.execute_wrapper(watch):
            sweep(at=at)
        taken.append(watch.seconds)
    median = statistics.median(taken)
    yield line(
        "idle_sweep", scene, ours_s=median, limit_s=0.005, goal="<= 5 ms of database time", met=median <= 0.005,
        worst_s=max(taken), stack_figure="nothing due 0.6 ms with a partial index",
    )  # fmt: skip


class _Stopwatch:
    """Adds up the time between a statement's start and its answer."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        result: list[Any] = []
        self.seconds += seconds(lambda: result.append(execute(statement, params, many, context)))
        return result[0]
