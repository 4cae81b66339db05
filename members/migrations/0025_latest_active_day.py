"""A lifecycle row remembers the latest active day, so that the events of a visit need no look at it."""

from django.db import migrations, models

# What is remembered is only ever a row that is there, first active no later: a day that goes, moves to another member
# or begins later is forgotten. Recording events only adds days and begins them earlier.
FORGET = """
CREATE FUNCTION members_forget_active_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE members_memberlifecycle s SET active_on = NULL, active_since = NULL
  FROM old_rows o WHERE s.member_id = o.member_id AND s.active_on = o.local_on;
  RETURN NULL;
END $$;
CREATE TRIGGER forget_deleted AFTER DELETE ON members_activeday REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE FUNCTION members_forget_active_day();
CREATE FUNCTION members_forget_changed_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE members_memberlifecycle s SET active_on = NULL, active_since = NULL
  WHERE s.member_id = OLD.member_id AND s.active_on = OLD.local_on;
  RETURN NULL;
END $$;
CREATE TRIGGER forget_changed AFTER UPDATE ON members_activeday FOR EACH ROW
  WHEN (OLD.member_id <> NEW.member_id OR OLD.local_on <> NEW.local_on OR OLD.first_at < NEW.first_at)
  EXECUTE FUNCTION members_forget_changed_day();
"""
NO_FORGET = """
DROP TRIGGER forget_changed ON members_activeday;
DROP TRIGGER forget_deleted ON members_activeday;
DROP FUNCTION members_forget_changed_day();
DROP FUNCTION members_forget_active_day();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0024_term_given_until'),
    ]

    operations = [
        migrations.AddField(
            model_name='memberlifecycle',
            name='active_on',
            field=models.DateField(blank=True, null=True, verbose_name='latest active day'),
        ),
        migrations.AddField(
            model_name='memberlifecycle',
            name='active_since',
            field=models.DateTimeField(blank=True, null=True, verbose_name='first activity of that day'),
        ),
        migrations.RunSQL(FORGET, NO_FORGET),
    ]
