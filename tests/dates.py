"""The dates on which the suite passes, and how a run stands on one of them.

``environment_on`` moves the clock of every Python process by time-machine. A library loaded before
the process (libfaketime) moves what waits, too: ``Event.wait(1)`` does not return under it, or ``time.sleep`` fails.

In the process of the tests the clock stands at AT (``standing_clock`` in tests/conftest.py). What can still see
another date is a process that a test starts, what is read before the first fixture, and a test of ``any_date``.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine

SHIFTED = Path(__file__).parent / "shifted"

AT = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
"""Monday 2026-11-16, 12:00 in Shanghai."""

DATES = {
    "a month's last minute": datetime.fromisoformat("2026-11-30T23:59+08:00"),
    "a month's first minute": datetime.fromisoformat("2026-12-01T00:00+08:00"),
    "New Year's Eve": datetime.fromisoformat("2026-12-31T23:59+08:00"),
    "29 February": datetime.fromisoformat("2028-02-29T12:00+08:00"),
}


def environment_on(at: datetime) -> dict[str, str]:
    """Variables for a run of tests that begins at ``at``, for it and every Python process it starts."""
    path = [str(SHIFTED), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "MOC_TEST_CLOCK": at.isoformat(),
        "MOC_TEST_CLOCK_OFFSET_SECONDS": str((at - _unshifted()).total_seconds()),
        "PYTHONPATH": os.pathsep.join(path),
    }


def date_of_run() -> datetime:
    """The instant at which tests of ``any_date`` stand: AT, or that of ``environment_on``."""
    return datetime.fromisoformat(os.environ.get("MOC_TEST_CLOCK", AT.isoformat())).astimezone(UTC)


def system_now() -> datetime:
    """What a process that is started now reads on its clock."""
    return _unshifted() + timedelta(seconds=float(os.environ.get("MOC_TEST_CLOCK_OFFSET_SECONDS", 0)))


def _unshifted() -> datetime:
    hatch = time_machine.escape_hatch
    return hatch.datetime.datetime.now(UTC) if hatch.is_travelling() else datetime.now(UTC)
