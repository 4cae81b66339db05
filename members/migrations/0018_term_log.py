"""Terms say when they last changed, as a log for readers with their own cursor; plans and tiers may set the grace."""

import django.core.validators
from django.db import migrations, models

CHANGED = """
ALTER TABLE members_membershipterm ADD COLUMN changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX term_changed_xid ON members_membershipterm (changed_xid);
CREATE FUNCTION members_term_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.changed_xid := pg_current_xact_id();
  RETURN NEW;
END $$;
CREATE TRIGGER members_term_changed BEFORE UPDATE ON members_membershipterm
  FOR EACH ROW EXECUTE FUNCTION members_term_changed();
"""
UNCHANGED = """
DROP TRIGGER members_term_changed ON members_membershipterm;
DROP FUNCTION members_term_changed();
ALTER TABLE members_membershipterm DROP COLUMN changed_xid;
"""

ONE_TO_THREE = [django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(3)]


class Migration(migrations.Migration):
    dependencies = [("members", "0017_merging")]

    operations = [
        migrations.RunSQL(CHANGED, UNCHANGED),
        migrations.AddField(
            "plan", "grace_days",
            models.PositiveSmallIntegerField(
                blank=True, help_text="Empty: as its tier says.", null=True, validators=ONE_TO_THREE,
                verbose_name="grace (days)",
            ),
        ),
        migrations.AddField(
            "tier", "grace_days",
            models.PositiveSmallIntegerField(
                blank=True, help_text="Empty: as the lifecycle policy says.", null=True, validators=ONE_TO_THREE,
                verbose_name="grace (days)",
            ),
        ),
    ]  # fmt: skip
