"""The shifted clock of ``make run CLOCK=…``: which database it lives in and how far it is from the real one."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from config.runtime.processes import RuntimeFailure, write_private

DATABASE = "moc"
DEFAULT_TIME_ZONE = "Asia/Shanghai"


def parse(text: str) -> datetime:
    """An instant in ISO 8601; without an offset it is meant in the project's time zone."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise RuntimeFailure(f"CLOCK={text} is not a date and time. Write CLOCK=2026-12-01T09:00+08:00") from None
    if given.tzinfo is None:
        return given.replace(tzinfo=ZoneInfo(os.environ.get("MOC_TIME_ZONE", DEFAULT_TIME_ZONE)))
    return given


class ShiftedClock:
    """The clock of one run. Each starting instant has a database of its own, in which time never runs backwards:

    a second run with the same instant goes on where the first one ended.
    """

    def __init__(self, var: Path, starts_at: datetime | None, *, empty: bool) -> None:
        self.starts_at = starts_at
        stem = DATABASE if starts_at is None else f"{DATABASE}_clock_{starts_at.astimezone(UTC):%Y%m%dt%H%M}"
        self.database = f"{stem}_empty" if empty else stem
        self.redis_number = (1 if empty else 0) + (0 if starts_at is None else 2)
        self._memory = var / "clock" / f"{self.database}.json"
        self.offset_seconds = 0
        if starts_at is not None:
            begins = max(starts_at, self._last_seen() or starts_at)
            self.offset_seconds = round((begins - datetime.now(UTC)).total_seconds())

    def remember(self) -> None:
        """Notes how far this clock has come."""
        if self.starts_at is not None:
            seen = datetime.now(UTC).timestamp() + self.offset_seconds
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            write_private(self._memory, json.dumps({"seen": seen}))

    def _last_seen(self) -> datetime | None:
        if not self._memory.exists():
            return None
        return datetime.fromtimestamp(json.loads(self._memory.read_text())["seen"], UTC)
