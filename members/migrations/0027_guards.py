"""The guards every app shares; a sweep's brake changes its status by declared moves only."""

from django.db import migrations

from config.engine.guards import EDGE_GUARD, NO_EDGE_GUARD, NO_REVIEWED_GUARD, REVIEWED_GUARD, guard_edges


class Migration(migrations.Migration):
    dependencies = [("members", "0026_tier_position")]

    operations = [
        migrations.RunSQL(EDGE_GUARD, NO_EDGE_GUARD),
        migrations.RunSQL(REVIEWED_GUARD, NO_REVIEWED_GUARD),
        guard_edges("members_sweepbrake", [("open", ["approved", "released"])]),
    ]
