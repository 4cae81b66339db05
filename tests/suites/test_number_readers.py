"""Numbers that addresses and bodies carry are read in one place: ``isdigit`` lets through what ``int`` chokes on."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("config", "members", "entitlements", "tasks_engine", "campaigns")
LOOKS = re.compile(r"\.(isdigit|isdecimal|isnumeric)\(|\bint\((request|self\.params|params|query)\b")
# Who may look by themselves, and at what.
ALLOWED = {
    "config/runtime/postgres.py": "files that PostgreSQL and the kernel write",
    "config/runtime/processes.py": "names in /proc",
}


def test_only_the_readers_look_at_digits():
    found = {
        str(path.relative_to(ROOT))
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        if LOOKS.search(path.read_text())
    }
    assert found - ALLOWED.keys() == set()
