from django.db import migrations

from entitlements.grants.querysets.periods import ANCHOR_FUNCTION

OLD = "entitlements_anchor(timestamptz[], timestamptz[], text, text)"


class Migration(migrations.Migration):
    """The first day of a membership follows the chain of cover; the function takes the cover itself."""

    dependencies = [("entitlements", "0016_seat_faults")]

    operations = [
        migrations.RunSQL(f"DROP FUNCTION IF EXISTS {OLD}", migrations.RunSQL.noop),
        migrations.RunSQL(ANCHOR_FUNCTION, migrations.RunSQL.noop),
    ]
