"""The lifecycle's guard looks each named log row up by its key."""

from importlib import import_module

from django.db import migrations

EDGE_NAMES = import_module("members.migrations.0003_engine").EDGE_NAMES

# Nested loops off: over two transition tables one would be quadratic, and a session keeps the plan of its first call.
# The scalar subquery stays a look-up by primary key whatever the planner thinks of the log's size.
GUARD = f"""
CREATE OR REPLACE FUNCTION members_lifecycle_guard() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE bad record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT n.member_id, n.lifecycle_state AS target INTO bad
    FROM new_rows n
    WHERE n.lifecycle_state IS NOT NULL AND coalesce((
      SELECT t.member_id = n.member_id AND t.from_state IS NULL AND t.to_state = n.lifecycle_state
      FROM members_lifecycletransition t WHERE t.id = n.transition_id), false) IS FALSE
    LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'unlogged lifecycle change of member %: none to %', bad.member_id, bad.target
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
  END IF;
  SELECT n.member_id, o.lifecycle_state AS source, n.lifecycle_state AS target, e.is_declared INTO bad
  FROM new_rows n JOIN old_rows o USING (member_id)
  CROSS JOIN LATERAL (SELECT coalesce(
    coalesce(o.lifecycle_state, '') || '>' || n.lifecycle_state = ANY (ARRAY[{EDGE_NAMES}]), false) AS is_declared) e
  WHERE n.lifecycle_state IS DISTINCT FROM o.lifecycle_state AND (
    NOT e.is_declared OR n.transition_id IS NOT DISTINCT FROM o.transition_id OR coalesce((
      SELECT t.member_id = n.member_id AND t.from_state IS NOT DISTINCT FROM o.lifecycle_state
        AND t.to_state = n.lifecycle_state
      FROM members_lifecycletransition t WHERE t.id = n.transition_id), false) IS FALSE)
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% lifecycle change of member %: % to %',
      CASE WHEN bad.is_declared THEN 'unlogged' ELSE 'undeclared' END, bad.member_id, bad.source, bad.target
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0008_list_orders")]

    operations = [migrations.RunSQL(GUARD, migrations.RunSQL.noop)]
