"""The brake of tiers and the runs of honours change their status by declared moves only."""

from django.db import migrations

from config.engine.guards import guard_edges


class Migration(migrations.Migration):
    dependencies = [("entitlements", "0009_tier_position"), ("members", "0027_guards")]

    operations = [
        guard_edges("entitlements_tierbrake", [("open", ["approved", "released"])]),
        guard_edges("entitlements_honourrun", [("draft", ["discarded", "given"]), ("given", ["voided"])]),
    ]
