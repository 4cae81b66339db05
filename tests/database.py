"""How a test that commits leaves the database: as the migrations made it.

Django's own flush neither knows the partitioned table nor keeps what migrations wrote (the first policy, the
renewal cadence, the beat schedule), so tests that commit would leave later ones without them.
"""

from django.db import connection

_TABLES = """
SELECT quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'django_migrations'
ORDER BY 1"""


def keep_seed() -> None:
    """Copy every row the migrations wrote into the schema ``seed``. Once, on a database just migrated."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS seed")
        for table in _tables(cursor):
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table}), to_regclass('seed.{table}') IS NOT NULL")
            filled, kept = cursor.fetchone()
            if filled and not kept:
                cursor.execute(f"CREATE TABLE seed.{table} AS TABLE public.{table}")


def back_to_seed() -> None:
    """Empty every table and put the seed back."""
    with connection.cursor() as cursor:
        tables = _tables(cursor)
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        # Rows go back in table order, not in the order of their keys.
        cursor.execute("SET session_replication_role = replica")
        for table in tables:
            cursor.execute(f"SELECT to_regclass('seed.{table}') IS NOT NULL")
            if cursor.fetchone()[0]:
                cursor.execute(f"INSERT INTO public.{table} OVERRIDING SYSTEM VALUE TABLE seed.{table}")
        cursor.execute("RESET session_replication_role")


def _tables(cursor) -> list[str]:
    cursor.execute(_TABLES)
    return [name for (name,) in cursor.fetchall()]
