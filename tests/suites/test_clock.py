"""Nobody reads the system's clock but those named here, and a run on another date finds what depends on the date."""

import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import timezone

from tests.dates import DATES, date_of_run, environment_on, system_now
from tests.suites.clock_readers import ROOT, readers, reads_of

PRODUCT = "the product's clock itself"
NAME = "a part of a file's name, never compared"
SYSTEM = "is about the system's clock"
ALLOWED = {
    "config/engine/clock.py": PRODUCT,
    "config/runtime/clock.py": "says how far the product's clock is from the system's",
    "config/runtime/smtp_sink.py": NAME,
    "config/staff/migrations/0001_initial.py": "Django's own default",
    "tests/bench/sql/ingest.sql": "what the bare database does, without the product",
    "tests/bench/running.py": "asks the database how long its transactions are open",
    "members/imports/validation.py": "compared with instants of the same database only",
    "tests/dates.py": SYSTEM,
    "tests/shifted/sitecustomize.py": SYSTEM,
    "tests/runtime/test_clock.py": SYSTEM,
    "tests/faults/sink.py": NAME,
    "tests/suites/test_clock.py": SYSTEM,
}


def test_only_those_named_read_the_systems_clock():
    assert readers().keys() == ALLOWED.keys(), (
        "take the instant as an argument, from config's clock or from tests.dates"
    )


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".py", "at = datetime.now(UTC)"),
        (".py", "at = dt.datetime.utcnow()"),
        (".py", "start: datetime = Field(default=timezone.now)"),
        (".py", "timezone.localdate()"),
        (".py", "from django.utils.timezone import localtime\nlocaltime()"),
        (".py", "from time import time\ntime()"),
        (".py", "DateField(auto_now=True)"),
        (".py", "from django.db.models.functions import Now"),
        (".py", "cursor.execute('SELECT * FROM t WHERE at < now()')"),
        (".py", "cursor.execute(f'SELECT CURRENT_DATE - {days}')"),
        (".py", "subprocess.run([sys.executable, '-c', 'print(date.today())'])"),
        (".sql", "SELECT clock_timestamp()"),
        (".html", "{% now 'Y' %}"),
        (".js", "const at = new Date();"),
    ],
)
def test_every_way_to_read_the_clock_is_noticed(suffix, text):
    assert len(list(reads_of(suffix, text))) == 1


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".py", "timezone.localtime(at)"),
        (".py", "from django.utils.timezone import localtime\nlocaltime(at, zone)"),
        (".py", "row.starts_at.time()"),
        (".py", "time.monotonic()"),
        (".py", "clock.now()"),
        (".py", '"""What now() of the database says."""'),
        (".js", "new Date(text)"),
    ],
)
def test_telling_a_given_instant_is_no_reading(suffix, text):
    assert list(reads_of(suffix, text)) == []


def test_the_clock_of_this_process_stands():
    first = system_now()
    time.sleep(0.01)
    assert datetime.now(UTC) == timezone.now() == date_of_run()
    assert system_now() > first, "the system's clock does not"


SAMPLE = """
import subprocess, sys
from datetime import UTC, datetime
import pytest

TODAY, IMPORTED_ON = {today!r}, datetime.now(UTC).date().isoformat()

def test_a_process():
    read = "import datetime; print(datetime.datetime.now(datetime.timezone.utc).date().isoformat())"
    assert subprocess.run([sys.executable, "-c", read], capture_output=True, text=True).stdout.strip() == TODAY

def test_what_was_read_by_an_import():
    assert IMPORTED_ON == TODAY

@pytest.mark.usefixtures("any_date")
def test_any_date():
    assert datetime.now(UTC).date().isoformat() == TODAY
"""


def failed_on(at: datetime, sample: Path) -> list[str]:
    """The tests of a file that fail in a run of their own, which begins at ``at``."""
    options = ["-p", "no:cacheprovider", "--rootdir", ROOT, "-c", ROOT / "pyproject.toml"]
    command = [sys.executable, "-m", "pytest", "--ds=tests.settings", "-q", *options, sample]
    run = subprocess.run(command, cwd=ROOT, env=environment_on(at), capture_output=True, text=True, check=False)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    return sorted(line.split("::")[1].split(" ")[0] for line in run.stdout.splitlines() if line.startswith("FAILED"))


def test_a_run_on_another_date_finds_what_depends_on_the_date(tmp_path):
    written_at, sample = datetime(2027, 6, 1, 12, tzinfo=UTC), tmp_path / "test_sample.py"
    (tmp_path / "conftest.py").write_text("from tests.conftest import any_date, standing_clock  # noqa: F401")
    sample.write_text(SAMPLE.format(today=written_at.date().isoformat()))
    assert failed_on(written_at, sample) == []
    assert failed_on(DATES["29 February"], sample) == [
        "test_a_process",
        "test_any_date",
        "test_what_was_read_by_an_import",
    ]
