"""The shifted clock: a database of its own, in which time never runs backwards."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.runtime import clock
from config.runtime.clock import ShiftedClock
from config.runtime.processes import RuntimeFailure


def now_on(shifted: ShiftedClock) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=shifted.offset_seconds)


def test_an_instant_without_an_offset_is_the_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOC_TIME_ZONE", raising=False)
    assert clock.parse("2026-12-01T09:00") == datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
    assert clock.parse("2026-12-01T09:00+08:00") == datetime(2026, 12, 1, 1, 0, tzinfo=UTC)


def test_nonsense_is_answered_with_an_example() -> None:
    with pytest.raises(RuntimeFailure, match=r"Write CLOCK=2026-12-01T09:00\+08:00"):
        clock.parse("tomorrow")


def test_every_kind_of_run_has_its_own_database(tmp_path: Path) -> None:
    at = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
    kinds = [ShiftedClock(tmp_path, starts_at, empty=empty) for starts_at in (None, at) for empty in (False, True)]
    assert [kind.database for kind in kinds] == [
        "moc",
        "moc_empty",
        "moc_clock_20261201t0100",
        "moc_clock_20261201t0100_empty",
    ]
    assert len({kind.redis_number for kind in kinds}) == 4


def test_the_real_clock_is_not_shifted(tmp_path: Path) -> None:
    assert ShiftedClock(tmp_path, None, empty=False).offset_seconds == 0


def test_a_second_run_goes_on_where_the_first_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    first = ShiftedClock(tmp_path, at, empty=False)
    assert abs(now_on(first) - at) < timedelta(seconds=5)
    first.offset_seconds += 7200  # as if it had run for two hours
    first.remember()
    second = ShiftedClock(tmp_path, at, empty=False)
    assert abs(now_on(second) - at - timedelta(hours=2)) < timedelta(seconds=5)
    assert abs(now_on(ShiftedClock(tmp_path, at, empty=True)) - at) < timedelta(seconds=5)
