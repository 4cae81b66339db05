"""What Django cannot declare: status edges refused by the database, published copy and definitions immutable."""

from django.db import migrations

# The edges of campaigns.lifecycle.MOVES when this migration was written; a test holds the two equal.
MESSAGE_EDGES = [
    ("pending", ["claimed", "expired", "sent", "suppressed"]),
    ("claimed", ["failed", "on_wire", "pending", "suppressed"]),
    ("on_wire", ["failed", "pending", "sent", "unknown"]),
    ("unknown", ["failed", "sent"]),
    ("suppressed", ["pending"]),
]
MESSAGE_STARTS = ["expired", "pending"]
CAMPAIGN_EDGES = [("draft", ["running"]), ("running", ["ended", "paused"]), ("paused", ["ended", "running"])]


def arguments(edges):
    return ", ".join(f"'{source}>{target}'" for source, targets in edges for target in targets)


GUARDS = f"""
CREATE FUNCTION campaigns_status_guard() RETURNS trigger LANGUAGE plpgsql AS $$
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
END $$;
CREATE FUNCTION campaigns_start_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE bad record;
BEGIN
  SELECT n.id, n.status INTO bad FROM new_rows n WHERE NOT n.status = ANY (TG_ARGV) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% % cannot begin as %', TG_TABLE_NAME, bad.id, bad.status
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER message_edges AFTER UPDATE ON campaigns_messageintent
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
  EXECUTE FUNCTION campaigns_status_guard({arguments(MESSAGE_EDGES)});
CREATE TRIGGER message_start AFTER INSERT ON campaigns_messageintent
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
  EXECUTE FUNCTION campaigns_start_guard({", ".join(repr(s) for s in MESSAGE_STARTS)});
CREATE TRIGGER campaign_edges AFTER UPDATE ON campaigns_campaign
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT
  EXECUTE FUNCTION campaigns_status_guard({arguments(CAMPAIGN_EDGES)});
CREATE TRIGGER append_only BEFORE UPDATE ON campaigns_campaignversion
  FOR EACH STATEMENT EXECUTE FUNCTION moc_append_only();
CREATE TRIGGER append_only BEFORE UPDATE ON campaigns_templateversion
  FOR EACH STATEMENT EXECUTE FUNCTION moc_append_only();
CREATE TRIGGER append_only BEFORE UPDATE ON campaigns_decision
  FOR EACH STATEMENT EXECUTE FUNCTION moc_append_only();
"""

UNGUARD = """
DROP TRIGGER message_edges ON campaigns_messageintent;
DROP TRIGGER message_start ON campaigns_messageintent;
DROP TRIGGER campaign_edges ON campaigns_campaign;
DROP TRIGGER append_only ON campaigns_campaignversion;
DROP TRIGGER append_only ON campaigns_templateversion;
DROP TRIGGER append_only ON campaigns_decision;
DROP FUNCTION campaigns_status_guard();
DROP FUNCTION campaigns_start_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial"), ("members", "0003_engine")]

    operations = [migrations.RunSQL(GUARDS, UNGUARD)]
