"""The servers a run or a command needs: those the environment names, else embedded ones under the var folder."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit, urlunsplit

from config.runtime.postgres import EmbeddedPostgres, create_database
from config.runtime.processes import Taken, write_private
from config.runtime.valkey import EmbeddedValkey

BEING_PREPARED = "first preparation not finished"
PREPARED = "in use"
ROOT = Path(__file__).resolve().parents[2]


def var_dir() -> Path:
    """Where everything that is made at run time lives; git ignores it."""
    return Path(os.environ.get("MOC_VAR_DIR") or ROOT / "var").absolute()


def secret_key(var: Path) -> str:
    """The installation's key, made once; a given SECRET_KEY wins."""
    given = os.environ.get("SECRET_KEY")
    if given:
        return given
    path = var / "secret_key"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
    return path.read_text()


def with_path(url: str, path: str) -> str:
    """The same server's URL with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


class Servers:
    """PostgreSQL and Valkey for one var folder. As a context manager it starts what is not given, and stops that.

    ``reuse`` uses servers that another living process has started in the folder instead of failing.
    """

    def __init__(self, var: Path, *, reuse: bool = False) -> None:
        self.var = var
        self.given_database_url = os.environ.get("DATABASE_URL", "")
        self.given_redis_url = os.environ.get("REDIS_URL", "")
        self.postgres = None if self.given_database_url else EmbeddedPostgres(var / "postgres")
        self.valkey = None if self.given_redis_url else EmbeddedValkey(var / "valkey")
        self._reuse = reuse

    def start(self) -> None:
        self.var.mkdir(parents=True, exist_ok=True)
        for server in (self.postgres, self.valkey):
            if server is None:
                continue
            try:
                server.start()
            except Taken:
                if not (self._reuse and server.attach()):
                    raise

    def database_url(self, name: str) -> str:
        """The URL of the database called ``name``, which is made unless it exists.

        On a given server the given database stands in for ``moc``, and its name is the stem of the others.
        """
        if self.postgres is not None:
            return self.postgres.createdb(name)
        stem = urlsplit(self.given_database_url).path.lstrip("/")
        if name == "moc":
            return self.given_database_url
        wanted = name.replace("moc", stem, 1)
        create_database(self.given_database_url, wanted)
        return with_path(self.given_database_url, wanted)

    def begin_preparing(self, name: str) -> bool:
        """Whether the database is new. One whose first preparation was killed half-way is dropped and begun again.

        A given server's databases are never dropped and never called new.
        """
        if self.postgres is None:
            return False
        remark = self.postgres.remark_on(name)
        if remark == BEING_PREPARED:
            self.postgres.dropdb(name)
        if remark in (None, BEING_PREPARED):
            self.postgres.createdb(name)
            self.postgres.remark(name, BEING_PREPARED)
            return True
        return False

    def end_preparing(self, name: str) -> None:
        """From here on the database is kept, whatever happens."""
        if self.postgres is not None:
            self.postgres.remark(name, PREPARED)

    def redis_url(self, number: int) -> str:
        """The URL of one Valkey database; on a given server counted on from the given one."""
        if self.valkey is not None:
            return self.valkey.url(number)
        given = urlsplit(self.given_redis_url).path.lstrip("/") or "0"
        return with_path(self.given_redis_url, str((int(given) + number) % 16))

    def restart_dead(self) -> None:
        """Starts again, on its port, what this object had started and somebody has ended."""
        for name, server in (("PostgreSQL", self.postgres), ("Valkey", self.valkey)):
            if server is not None and server.process is not None and server.process.poll() is not None:
                print(f"{name} ended; starting it again", flush=True)
                server.start()

    def stop(self, *, hard: bool = False) -> None:
        """Stops what start() started and nothing else."""
        if self.valkey is not None and self.valkey.process is not None:
            self.valkey.stop()
        if self.postgres is not None and self.postgres.process is not None:
            if hard:
                self.postgres.stop_now()
            else:
                self.postgres.stop()

    def __enter__(self) -> Servers:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
