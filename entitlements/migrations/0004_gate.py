"""Keys long enough for an event's number, and what a refusal said, so that it can be said again."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import migrations, models

# The type of a column that a trigger names cannot change under it.
UNGUARD = "DROP TRIGGER append_only ON entitlements_usagerecord"
GUARD = """
CREATE TRIGGER append_only BEFORE UPDATE OF benefit_id, at, amount, outcome, overage, worth_cents, idempotency_key,
  granted_after, used_after, overage_after, told, reverses_id ON entitlements_usagerecord
  FOR EACH STATEMENT EXECUTE FUNCTION moc_append_only()
"""
GUARD_BEFORE = GUARD.replace("told, ", "")


class Migration(migrations.Migration):

    dependencies = [
        ('entitlements', '0003_offers'),
    ]

    operations = [
        migrations.RunSQL(UNGUARD, GUARD_BEFORE),
        migrations.AddField(
            model_name='usagerecord',
            name='told',
            field=models.JSONField(blank=True, encoder=DjangoJSONEncoder, null=True),
        ),
        migrations.AlterField(
            model_name='usagerecord',
            name='idempotency_key',
            field=models.CharField(blank=True, max_length=200, null=True, unique=True, verbose_name='idempotency key'),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
