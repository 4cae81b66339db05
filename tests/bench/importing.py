"""Importing members from CSV, new and again unchanged, beside a bare COPY, validation and upsert of the same file."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.files.base import File
from django.db import connection
from django.test import override_settings

from config.engine.clock import now
from config.staff.access import Role
from config.staff.models import User
from members.imports.models import ImportRun
from members.imports.operations import checks, uploads, writes
from members.people.models import Identity, Member
from tests.bench.base import execute
from tests.bench.measuring import Scene, interleaved, line, peak_mb, reset_peak, run_sql

HEADER = "external_id,display_name,email,language,city,channel,registered_at\n"
CITIES = ("Shanghai", "Beijing", "Chengdu", "Shenzhen", "Hangzhou")
TABLES = "members_member, members_identity, members_memberlifecycle, members_importrun"
CHUNK = 1024**2
GOAL_ROWS_PER_S = 20_000


def import_and_reimport(scene: Scene) -> Iterator[dict[str, Any]]:
    """The file's way from the upload to the written rows; what the engine then makes of them is the sweep's figure."""
    with TemporaryDirectory() as folder, override_settings(MEDIA_ROOT=folder):
        actor = User.objects.create(username="bench", role=Role.ADMIN)
        small, file = Path(folder, "small.csv"), Path(folder, "members.csv")
        write_file(small, max(scene.members // 10, 1))
        write_file(file, scene.members)
        empty()
        small_mb = peak_of(lambda: import_file(small, actor))
        empty()
        large_mb = peak_of(lambda: import_file(file, actor))
        expected = counts()

        def ours() -> None:
            import_file(file, actor)
            check_counts(expected)

        def bare() -> None:
            import_bare(file)
            check_counts(expected)

        pair = interleaved(ours, bare, runs=scene.runs, restore=empty)
        rate, memory = scene.members / pair.ours_s, large_mb / small_mb
        printed = line(
            "import", scene, ours_s=pair.ours_s, limit_s=pair.bare_s,
            goal=f"<= 1.5x bare, peak memory <= 1.1x that of a tenth, >= {GOAL_ROWS_PER_S} rows/s",
            met=pair.ours_s <= 1.5 * pair.bare_s and memory <= 1.1 and rate >= GOAL_ROWS_PER_S, rows_per_s=rate,
            memory_ratio=memory, peak_rss_tenth_mb=small_mb,
            stack_figure="bare 26-37 s (3 + 2 + 21-32), one table with 5 indexes",
        )  # fmt: skip
        yield printed | {"peak_rss_mb": round(large_mb, 1)}
        # The table is as the last run left it: whole. Both sides now find nothing to change.
        pair = interleaved(ours, bare, runs=scene.runs, restore=lambda: None)
        yield line(
            "reimport", scene, ours_s=pair.ours_s, limit_s=pair.bare_s, goal="<= 1.5x bare",
            met=pair.ours_s <= 1.5 * pair.bare_s, rows_per_s=scene.members / pair.ours_s,
            stack_figure="1 M unchanged 18.6 s",
        )  # fmt: skip


def write_file(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.write(HEADER)
        for n in range(rows):
            out.write(
                f"n{n},Member {n},n{n}@example.com,{'en' if n % 3 == 0 else 'zh-hans'},{CITIES[n % 5]},"
                f"{'app' if n % 2 else 'web'},2026-{n % 12 + 1:02}-{n % 28 + 1:02}T08:{n % 60:02}:00+08:00\n"
            )


def empty() -> None:
    execute(f"TRUNCATE {TABLES} RESTART IDENTITY CASCADE")


def counts() -> tuple[int, int]:
    return Member.objects.count(), Identity.objects.count()


def check_counts(expected: tuple[int, int]) -> None:
    if counts() != expected:
        raise RuntimeError(f"wrote {counts()} members and identities instead of {expected}")


def peak_of(work: Any) -> float:
    reset_peak()
    work()
    return peak_mb()


def import_file(path: Path, actor: User) -> None:
    """The steps of the wizard and its worker, up to the written rows."""
    with path.open("rb") as opened:
        run = uploads.receive(upload=File(opened, name=path.name), actor=actor, at=now(), profile="members")
    uploads.start_check(run_id=run.pk, mapping=run.mapping, options={})
    checks.check(run_id=run.pk, at=now())
    run.refresh_from_db()
    if run.rows_rejected:
        raise RuntimeError(f"{run.rows_rejected} rows of the benchmark's own file were rejected")
    writes.confirm(run_id=run.pk, mode=ImportRun.Mode.ALL, actor=actor, at=now())
    writes.write(run_id=run.pk, at=now())
    # What settling does besides the sweep.
    from members.imports import staging

    staging.drop(run.pk)
    run.file.delete(save=False)


def import_bare(path: Path) -> None:
    """COPY the file as it is, then the statements of the SQL file, in one transaction."""
    execute(
        "CREATE UNLOGGED TABLE bench_raw (external_id text, display_name text, email text, language text, city text, "
        "channel text, registered_at text) WITH (autovacuum_enabled = off)"
    )
    copy_in = "COPY bench_raw FROM STDIN (FORMAT csv, HEADER)"
    with connection.cursor() as cursor, path.open("rb") as source, cursor.copy(copy_in) as copy:
        while chunk := source.read(CHUNK):
            copy.write(chunk)
    run_sql("import", {"at": now()})
    execute("DROP TABLE bench_raw")
