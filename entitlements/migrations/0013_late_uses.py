from django.db import migrations, models


class Migration(migrations.Migration):
    """Late is what belongs to an earlier usage period, or to a time before the member had the benefit."""

    dependencies = [("entitlements", "0012_unit_numbers")]

    operations = [
        migrations.AlterField(
            model_name="usagerecord",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("used", "Used"),
                    ("limit_reached", "Limit reached"),
                    ("no_access", "No access"),
                    ("late", "Of an earlier time, not counted"),
                    ("reversed", "Taken back"),
                ],
                max_length=16,
                verbose_name="outcome",
            ),
        ),
    ]
