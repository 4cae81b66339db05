"""Events and receipts name their source and definition without a foreign key."""

import django.db.models.deletion
from django.db import migrations, models

NO_KEYS = """
ALTER TABLE members_event DROP CONSTRAINT members_event_definition_id_fkey, DROP CONSTRAINT members_event_source_id_fkey;
"""
KEYS = """
ALTER TABLE members_event
  ADD FOREIGN KEY (definition_id) REFERENCES members_eventdefinition (id) DEFERRABLE INITIALLY DEFERRED,
  ADD FOREIGN KEY (source_id) REFERENCES members_source (id) DEFERRABLE INITIALLY DEFERRED;
"""

# A key would look at, and lock, one of a few rows for every event; instead those rows cannot go while anything names
# them. Writers are waited for and kept out meanwhile: a source or an event is hardly ever deleted.
GUARD = """
CREATE FUNCTION members_named_by_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE is_named boolean;
BEGIN
  LOCK TABLE members_event, members_eventreceipt IN SHARE MODE;
  IF TG_TABLE_NAME = 'members_source' THEN
    is_named := EXISTS (SELECT 1 FROM members_eventreceipt WHERE source_id = OLD.id)
      OR EXISTS (SELECT 1 FROM members_event WHERE source_id = OLD.id);
  ELSE
    is_named := EXISTS (SELECT 1 FROM members_event WHERE definition_id = OLD.id);
  END IF;
  IF is_named THEN
    RAISE EXCEPTION 'events name % %', TG_TABLE_NAME, OLD.id USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER named_by_events BEFORE DELETE ON members_source
  FOR EACH ROW EXECUTE FUNCTION members_named_by_events();
CREATE TRIGGER named_by_events BEFORE DELETE ON members_eventdefinition
  FOR EACH ROW EXECUTE FUNCTION members_named_by_events();
"""
NO_GUARD = """
DROP TRIGGER named_by_events ON members_source;
DROP TRIGGER named_by_events ON members_eventdefinition;
DROP FUNCTION members_named_by_events();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0022_active_hour'),
    ]

    operations = [
        migrations.RunSQL(GUARD, NO_GUARD),
        migrations.RunSQL(NO_KEYS, KEYS),
        migrations.AlterField(
            model_name='eventreceipt',
            name='source',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, to='members.source'),
        ),
    ]
