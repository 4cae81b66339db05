"""The guard's statement is planned once a session: planning it anew cost more than the message it guards."""

from django.db import migrations

# Nested loops stay off for the function (0004), so the kept plan serves one row and a million.
GUARD = """
CREATE OR REPLACE FUNCTION campaigns_status_guard() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE bad record;
BEGIN
  SELECT n.id, o.status AS source, n.status AS target INTO bad FROM new_rows n JOIN old_rows o USING (id)
  WHERE n.status <> o.status AND NOT (o.status || '>' || n.status) = ANY (TG_ARGV) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'undeclared edge of % %: % to %', TG_TABLE_NAME, bad.id, bad.source, bad.target
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0004_guard_plan")]

    operations = [migrations.RunSQL(GUARD, migrations.RunSQL.noop)]
