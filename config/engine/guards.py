"""What the database refuses by itself, as the operations of migrations that say so.

The functions are made by ``members.0027_guards``, below every other app. A migration writes its edges out, as they were
when it was written; a test holds them equal to the table of moves.
"""

from collections.abc import Iterable

from django.db.migrations import RunSQL

EDGE_GUARD = """
CREATE FUNCTION moc_edge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE bad record;
BEGIN
  -- EXECUTE, because a cached plan would be made for the first statement's few rows and join thousands by nested loops.
  EXECUTE 'SELECT n.id, o.status AS source, n.status AS target FROM new_rows n JOIN old_rows o USING (id)
    WHERE n.status <> o.status AND NOT (o.status || ''>'' || n.status) = ANY ($1)' INTO bad USING TG_ARGV;
  IF bad.id IS NOT NULL THEN
    RAISE EXCEPTION 'undeclared edge of % %: % to %', TG_TABLE_NAME, bad.id, bad.source, bad.target
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$
"""
NO_EDGE_GUARD = "DROP FUNCTION moc_edge_guard()"

# The columns that may change are arguments of the trigger; a second guard asks by an argument's statement whether the
# version that a part belongs to was submitted.
REVIEWED_GUARD = """
CREATE FUNCTION moc_reviewed_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.submitted_at IS NULL THEN
    IF TG_OP = 'UPDATE'
      AND (NEW.created_by_id IS DISTINCT FROM OLD.created_by_id OR NOT NEW.changed_by @> OLD.changed_by)
    THEN
      RAISE EXCEPTION '% % forgets who wrote it', TG_TABLE_NAME, OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - TG_ARGV = to_jsonb(OLD) - TG_ARGV THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% % was submitted and its content is fixed', TG_TABLE_NAME, OLD.id
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION moc_reviewed_part_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE submitted timestamptz;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    EXECUTE TG_ARGV[1] INTO submitted USING (to_jsonb(OLD) ->> TG_ARGV[0])::bigint;
  END IF;
  IF TG_OP <> 'DELETE' AND submitted IS NULL THEN
    EXECUTE TG_ARGV[1] INTO submitted USING (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
  END IF;
  IF submitted IS NOT NULL THEN
    RAISE EXCEPTION '% belongs to a version that was submitted: its content is fixed', TG_TABLE_NAME
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$
"""
NO_REVIEWED_GUARD = "DROP FUNCTION moc_reviewed_guard(); DROP FUNCTION moc_reviewed_part_guard()"

# What is written about a version after it was submitted.
DECIDED = ("status", "approved_at", "approved_by_id", "self_approval_reason", "activated_at")
REVIEWED_EDGES = (
    ("draft", ["submitted"]),
    ("submitted", ["active", "rejected", "scheduled"]),
    ("scheduled", ["active", "rejected"]),
    ("active", ["retired"]),
)


def guard_edges(table: str, edges: Iterable[tuple[str, Iterable[str]]]) -> RunSQL:
    """Refuse every change of ``status`` but to one of the targets of its source."""
    declared = ", ".join(f"'{source}>{target}'" for source, targets in edges for target in targets)
    return RunSQL(
        f"CREATE TRIGGER edges AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows "
        f"FOR EACH STATEMENT EXECUTE FUNCTION moc_edge_guard({declared})",
        f"DROP TRIGGER edges ON {table}",
    )


def guard_versions(table: str, *besides: str) -> list[RunSQL]:
    """Guard a table of ``ReviewedVersion``: its edges, and its content but for columns ``besides``."""
    may_change = ", ".join(f"'{column}'" for column in (*DECIDED, *besides))
    fixed = RunSQL(
        f"CREATE TRIGGER fixed BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION moc_reviewed_guard({may_change})",
        f"DROP TRIGGER fixed ON {table}",
    )
    return [guard_edges(table, REVIEWED_EDGES), fixed]


def guard_parts(table: str, column: str, version: str) -> RunSQL:
    """Guard content in another table; ``version`` finds the version's ``submitted_at`` by its ``column`` as $1."""
    return RunSQL(
        f"CREATE TRIGGER fixed BEFORE INSERT OR UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION moc_reviewed_part_guard('{column}', '{version}')",
        f"DROP TRIGGER fixed ON {table}",
    )
