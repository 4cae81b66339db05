"""The members list through the web server: filtered pages of 50, and one far down beside the first."""

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.urls import reverse

from config.runtime import commands
from config.staff.access import Role
from config.staff.models import User
from tests.bench.database import environment
from tests.bench.measuring import Scene, line, percentile, rest

FILTERS: tuple[dict[str, str], ...] = (
    {"state": "expiring"},
    {"state": "first_paid", "auto": "on"},
    {"channel": "web"},
    {"expires": "7"},
    {"tier": "1", "status": "active"},
    {"q": "typed"},
)
# What was typed is kept in the session; addresses carry its name.
SEARCHES = {"typed": "Member 77"}
GOAL_S = 0.1
EACH = 40


def members_page(scene: Scene) -> Iterator[dict[str, Any]]:
    """p95 over requests that take turns among the filters; row 0.9 n beside row 50 of the list by registration."""
    rest()
    deep = int(scene.members * 0.9)
    listing = {"sort": "registered"}
    near_after, deep_after = _cursor_at(min(50, scene.members - 1)), _cursor_at(max(deep - 1, 0))
    with web_server() as server:
        browser = Browser(*server)
        near = listing | {"after": near_after}
        far = listing | {"after": deep_after}
        for query in (*FILTERS, near, far):
            for _ in range(4):
                browser.get(query)
        taken: dict[str, list[float]] = {str(query): [] for query in FILTERS}
        near_s: list[float] = []
        far_s: list[float] = []
        for _ in range(EACH):
            for query in FILTERS:
                taken[str(query)].append(browser.get(query))
            near_s.append(browser.get(near))
            far_s.append(browser.get(far))
        peak = max(_peak_of(pid) for pid in _children(browser.pid))
    every = [value for values in taken.values() for value in values]
    p95, depth = percentile(every, 95), percentile(far_s, 50) / percentile(near_s, 50)
    printed = line(
        "members_page", scene, ours_s=p95, limit_s=GOAL_S, goal="p95 <= 100 ms; row 0.9 n <= 1.5x row 50",
        met=p95 <= GOAL_S and depth <= 1.5, p50_s=percentile(every, 50), row_50_s=percentile(near_s, 50),
        row_deep_s=percentile(far_s, 50), deep_row=deep, deep_ratio=depth,
        by_filter_p95_s={query: round(percentile(values, 95), 4) for query, values in taken.items()},
        stack_figure="keyset 0.5 ms (3.4 ms through the ORM); capped count 21 ms; trigram search 5-17 ms",
    )  # fmt: skip
    yield printed | {"peak_rss_mb": round(peak, 1)}


def _cursor_at(row: int) -> str:
    """Where the page after that row of the list begins."""
    from members.people.querysets.people import Cursor

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT registered_at, id FROM members_member WHERE registered_at IS NOT NULL "
            "ORDER BY 1, 2 OFFSET %s LIMIT 1",
            [row],
        )
        value, pk = cursor.fetchone()
    return str(Cursor(value, pk))


@contextmanager
def web_server(application: str = commands.APPLICATION) -> Iterator[tuple[int, int]]:
    """gunicorn as the product runs it, on a port of its own; gives (process, port)."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    os.set_inheritable(listener.fileno(), True)
    # The product's own process, but static files without a manifest made beforehand.
    env = environment(
        str(connection.settings_dict["NAME"]),
        MOC_STATIC_STORAGE="django.contrib.staticfiles.storage.StaticFilesStorage",
    )
    process = subprocess.Popen(
        commands.web(listener.fileno(), application), env=env, cwd=settings.BASE_DIR, pass_fds=[listener.fileno()],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process.pid, listener.getsockname()[1]
    finally:
        process.terminate()
        process.wait()
        listener.close()


class Browser:
    """A signed-in reader on one kept connection."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        user, _ = User.objects.get_or_create(username="bench", defaults={"role": Role.VIEWER})
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session["searches"] = SEARCHES
        session.save()
        self.headers = {"Cookie": f"sessionid={session.session_key}", "Accept-Language": "en"}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, query: dict[str, str]) -> float:
        """Seconds until the whole page is here. Raises RuntimeError when it is not the list."""
        start = time.perf_counter()
        self.connection.request("GET", f"{reverse('members:list')}?{urlencode(query)}", headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        taken = time.perf_counter() - start
        if answer.status != 200 or b"<table" not in body:
            raise RuntimeError(f"the list answered {answer.status}")
        return taken


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children") as listed:
        return [int(child) for child in listed.read().split()]


def _peak_of(pid: int) -> float:
    with open(f"/proc/{pid}/status") as status:
        return int(status.read().split("VmHWM:")[1].split()[0]) / 1024
