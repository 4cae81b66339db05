"""What Django cannot declare: the partitioned event log, the guards of the lifecycle, the first policy."""

from datetime import UTC, datetime

from django.db import migrations

EVENTS = """
CREATE SEQUENCE members_event_id_seq;
CREATE TABLE members_event (
  id bigint NOT NULL DEFAULT nextval('members_event_id_seq'),
  occurred_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  member_id bigint NOT NULL REFERENCES members_member (id) DEFERRABLE INITIALLY DEFERRED,
  definition_id bigint NOT NULL REFERENCES members_eventdefinition (id) DEFERRABLE INITIALLY DEFERRED,
  source_id bigint NOT NULL REFERENCES members_source (id) DEFERRABLE INITIALLY DEFERRED,
  message_id varchar(120) NOT NULL,
  value_cents bigint,
  currency varchar(3) NOT NULL DEFAULT '',
  properties jsonb NOT NULL DEFAULT '{}',
  -- Several readers each keep a cursor below pg_snapshot_xmin: an increasing id is no safe cursor.
  recorded_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  PRIMARY KEY (occurred_at, id)
) PARTITION BY RANGE (occurred_at);
ALTER SEQUENCE members_event_id_seq OWNED BY members_event.id;
CREATE INDEX event_member_at ON members_event (member_id, occurred_at);
CREATE INDEX event_xid ON members_event (recorded_xid);
"""

# The edges of members.lifecycle.lifecycle.MOVES when this migration was written; a test holds the two equal.
EDGES = [
    (None, ["churned", "expired", "expiring", "first_paid", "highly_active", "prospect", "stable", "trial"]),
    ("churned", ["expired", "expiring", "first_paid", "highly_active", "prospect", "stable", "trial"]),
    ("expired", ["churned", "first_paid", "highly_active", "prospect", "stable", "trial"]),
    ("expiring", ["expired", "first_paid", "highly_active", "prospect", "stable"]),
    ("first_paid", ["churned", "expired", "expiring", "highly_active", "prospect", "stable"]),
    ("highly_active", ["churned", "expired", "expiring", "first_paid", "prospect", "stable"]),
    ("prospect", ["churned", "expired", "expiring", "first_paid", "highly_active", "stable", "trial"]),
    ("stable", ["churned", "expired", "expiring", "prospect"]),
    ("trial", ["expired", "first_paid", "prospect"]),
]
EDGE_NAMES = ", ".join(f"'{source or ''}>{target}'" for source, targets in EDGES for target in targets)

# EXECUTE, because a cached plan would be made for the first statement's few rows and join thousands by nested loops.
GUARD = f"""
CREATE FUNCTION members_lifecycle_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE bad record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT n.member_id, NULL::text AS source, n.lifecycle_state AS target,
           (NULL::text, n.lifecycle_state) AS edge, n.transition_id INTO bad
    FROM new_rows n
    WHERE n.lifecycle_state IS NOT NULL AND NOT EXISTS (
      SELECT 1 FROM members_lifecycletransition t WHERE t.id = n.transition_id AND t.member_id = n.member_id
        AND t.from_state IS NULL AND t.to_state = n.lifecycle_state) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'unlogged lifecycle change of member %: none to %', bad.member_id, bad.target
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
  END IF;
  EXECUTE $q$
    SELECT n.member_id, o.lifecycle_state AS source, n.lifecycle_state AS target, e.is_declared
    FROM new_rows n JOIN old_rows o USING (member_id)
    LEFT JOIN members_lifecycletransition t ON t.id = n.transition_id AND t.id IS DISTINCT FROM o.transition_id
      AND t.member_id = n.member_id AND t.from_state IS NOT DISTINCT FROM o.lifecycle_state
      AND t.to_state = n.lifecycle_state
    CROSS JOIN LATERAL (SELECT coalesce(
      coalesce(o.lifecycle_state, '') || '>' || n.lifecycle_state = ANY (ARRAY[{EDGE_NAMES}]), false) AS is_declared) e
    WHERE n.lifecycle_state IS DISTINCT FROM o.lifecycle_state AND (t.id IS NULL OR NOT e.is_declared)
  $q$ INTO bad;
  IF bad.member_id IS NOT NULL THEN
    RAISE EXCEPTION '% lifecycle change of member %: % to %',
      CASE WHEN bad.is_declared THEN 'unlogged' ELSE 'undeclared' END, bad.member_id, bad.source, bad.target
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER lifecycle_guard_update AFTER UPDATE ON members_memberlifecycle
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION members_lifecycle_guard();
CREATE TRIGGER lifecycle_guard_insert AFTER INSERT ON members_memberlifecycle
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION members_lifecycle_guard();
"""

APPEND_ONLY = """
CREATE FUNCTION moc_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE ON members_lifecycletransition
  FOR EACH STATEMENT EXECUTE FUNCTION moc_append_only();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON staff_auditentry
  FOR EACH STATEMENT EXECUTE FUNCTION moc_append_only();
"""


def first_policy(apps, schema_editor):
    apps.get_model("members", "LifecyclePolicy").objects.create(
        version=1, status="active", note="Defaults", created_at=datetime(2026, 1, 1, tzinfo=UTC),
        activated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("members", "0002_initial"), ("staff", "0001_initial")]

    operations = [
        migrations.RunSQL(EVENTS, "DROP TABLE members_event"),
        migrations.RunSQL(
            GUARD,
            "DROP TRIGGER lifecycle_guard_update ON members_memberlifecycle;"
            "DROP TRIGGER lifecycle_guard_insert ON members_memberlifecycle;"
            "DROP FUNCTION members_lifecycle_guard()",
        ),
        migrations.RunSQL(
            APPEND_ONLY,
            "DROP TRIGGER append_only ON members_lifecycletransition;"
            "DROP TRIGGER append_only ON staff_auditentry; DROP FUNCTION moc_append_only()",
        ),
        migrations.RunPython(first_policy, migrations.RunPython.noop),
    ]
