"""Databases of the benchmarks' own, beside the project's on the same server, dropped when the block ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from psycopg import sql

from config.runtime.servers import with_path

# Its own number, so that a running system's worker takes none of the benchmarks' tasks.
REDIS_NUMBER = 13


@contextmanager
def own_database(name: str, template: str = "template0") -> Iterator[str]:
    """A database made from ``template``; its name is given back."""
    with _server() as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    try:
        yield name
    finally:
        with _server() as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _server() -> psycopg.Connection:
    given = settings.DATABASES["default"]
    return psycopg.connect(
        host=given["HOST"] or None, port=given["PORT"] or None, user=given["USER"] or None,
        password=given["PASSWORD"] or None, dbname="postgres", autocommit=True,
    )  # fmt: skip


def environment(database: str, **more: str) -> dict[str, str]:
    """This process's environment with another database."""
    changed = {
        "DATABASE_URL": with_path(os.environ.get("DATABASE_URL", "postgres://postgres@127.0.0.1:5432/moc"), database),
        "REDIS_URL": with_path(settings.REDIS_URL, str(REDIS_NUMBER)),
        "LOG_LEVEL": "WARNING",
    }
    return {**os.environ, **changed, **more}


def manage(*arguments: str, env: dict[str, str], **more: object) -> subprocess.Popen[str]:
    """``manage.py`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments], env=env, cwd=settings.BASE_DIR, text=True, **more
    )  # type: ignore[call-overload]
