"""What the first page shows of imports."""

from collections.abc import Mapping
from datetime import datetime

from config.staff.models import User
from members.imports.models import ImportRun

SHOWN = 10


def running_jobs(user: User, at: datetime, asked: Mapping[str, str]) -> list[ImportRun] | None:
    """Imports that a worker is at."""
    return list(ImportRun.objects.working().order_by("created_at")[:SHOWN]) or None
