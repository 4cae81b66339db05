from django.db import migrations, models
from django.db.models import F, Q

import entitlements.grants.querysets.units
from entitlements.grants.querysets.periods import ANCHOR_FUNCTION, PERIODS_FUNCTION
from entitlements.grants.querysets.units import LENGTH_FUNCTION, SLICE_FUNCTION


class Migration(migrations.Migration):
    dependencies = [("entitlements", "0011_reviewed")]

    operations = [
        migrations.RunSQL(LENGTH_FUNCTION, "DROP FUNCTION entitlements_length"),
        migrations.RunSQL(SLICE_FUNCTION, "DROP FUNCTION entitlements_slice"),
        migrations.RunSQL(PERIODS_FUNCTION, "DROP FUNCTION entitlements_periods"),
        migrations.RunSQL(ANCHOR_FUNCTION, "DROP FUNCTION entitlements_anchor"),
        migrations.RemoveConstraint(model_name="balance", name="balance_allocated"),
        migrations.RemoveField(model_name="balance", name="allocated"),
        migrations.AddField(
            model_name="balance", name="units", field=models.PositiveBigIntegerField(default=0)
        ),
        migrations.AddField(
            model_name="balance", name="laid", field=models.PositiveBigIntegerField(default=0)
        ),
        migrations.AddConstraint(
            model_name="balance",
            constraint=models.CheckConstraint(condition=Q(laid__lte=F("units")), name="balance_laid"),
        ),
        migrations.AddField(
            model_name="lot",
            name="units",
            field=entitlements.grants.querysets.units.UnitsField(default="{}", editable=False),
        ),
        migrations.AddField(
            model_name="usagerecord",
            name="first_unit",
            field=models.DecimalField(blank=True, decimal_places=0, editable=False, max_digits=38, null=True),
        ),
        migrations.AddField(
            model_name="standing",
            name="seen",
            field=models.BigIntegerField(editable=False, null=True),
        ),
    ]
