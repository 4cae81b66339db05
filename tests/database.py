"""The test's database: copied from a template that was migrated once, and put back after each test that commits.

Django's own flush neither knows the partitioned table nor keeps what migrations wrote (the first policy, the
renewal cadence, the beat schedule), so tests that commit would leave later ones without them.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import connection

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE_LOCK = 7_305_214

_TABLES = """
SELECT quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'django_migrations'
ORDER BY 1"""
_PRODUCT_IMPORT = re.compile(r"^(?:from|import) ((?:config|members|entitlements|tasks_engine|campaigns)[\w.]*)", re.M)


def copy_a_template() -> None:
    """Have Django make its test database as a copy of a migrated one: migrating takes a hundred times as long.

    A template is named by what made it, so that another branch's migrations never meet this one's. The processes of
    a parallel run wait for the first.
    """
    name = f"moc_template_{_digest()}"
    with _server() as server:
        server.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            for (old,) in server.execute("SELECT datname FROM pg_database WHERE datname ~ '^moc_template_'").fetchall():
                server.execute(f'DROP DATABASE "{old}" WITH (FORCE)')
            server.execute('CREATE DATABASE "moc_template_being_made"')
            with _connected_to("moc_template_being_made"):
                call_command("migrate", verbosity=0, interactive=False)
                keep_seed()
            server.execute(f'ALTER DATABASE "moc_template_being_made" RENAME TO "{name}"')
    connection.settings_dict["TEST"]["TEMPLATE"] = name


def _digest() -> str:
    """Of every migration, of the product's modules that migrations import, and of the packages that bring others."""
    files = sorted(ROOT.glob("*/**/migrations/*.py"))
    files = [path for path in files if not {".venv", "var"} & set(path.relative_to(ROOT).parts)]
    modules = {module for path in files for module in _PRODUCT_IMPORT.findall(path.read_text())}
    files += sorted(path for module in modules if (path := ROOT / f"{module.replace('.', '/')}.py").exists())
    found = hashlib.sha256()
    for path in [*files, ROOT / "requirements.lock", Path(__file__)]:
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


@contextmanager
def _server() -> Iterator[psycopg.Connection]:
    with connection._nodb_cursor() as cursor:
        yield cursor.connection


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own


def keep_seed() -> None:
    """Copy every row the migrations wrote into the schema ``seed``. Once, on a database just migrated."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA seed")
        for table in _tables(cursor):
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")
            if cursor.fetchone()[0]:
                cursor.execute(f"CREATE TABLE seed.{table} AS TABLE public.{table}")


def back_to_seed() -> None:
    """Empty every table that has rows and put the seed back."""
    with connection.cursor() as cursor:
        filled = " UNION ALL ".join(
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in _tables(cursor)
        )
        cursor.execute(filled)
        filled_tables = [name for (name,) in cursor.fetchall()]
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'seed'")
        seeded = {name for (name,) in cursor.fetchall()}
        # Neither the triggers that keep logs nor the order of the keys: every table is emptied by itself.
        cursor.execute("SET session_replication_role = replica")
        for table in filled_tables:
            cursor.execute(f"DELETE FROM public.{table}")
        for table in seeded:
            cursor.execute(f"INSERT INTO public.{table} OVERRIDING SYSTEM VALUE TABLE seed.{table}")
        cursor.execute("RESET session_replication_role")


def _tables(cursor) -> list[str]:
    cursor.execute(_TABLES)
    return [name for (name,) in cursor.fetchall()]
