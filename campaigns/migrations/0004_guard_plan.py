"""The guard's plan is made once a session, perhaps for one row, and kept for statements over a million."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_renewal_cadence")]

    operations = [
        migrations.RunSQL(
            # A nested loop over both transition tables would be quadratic; a hash join costs one row nothing.
            "ALTER FUNCTION campaigns_status_guard() SET enable_nestloop = off",
            "ALTER FUNCTION campaigns_status_guard() RESET enable_nestloop",
        ),
    ]
