from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("members", "0025_latest_active_day")]

    operations = [
        migrations.RenameField(model_name="tier", old_name="rank", new_name="position"),
        migrations.AlterField(
            model_name="tier",
            name="position",
            field=models.PositiveSmallIntegerField(
                unique=True, verbose_name="position", help_text="Higher is better."
            ),
        ),
        migrations.AlterModelOptions(
            name="tier",
            options={"ordering": ["position"], "verbose_name": "tier", "verbose_name_plural": "tiers"},
        ),
        migrations.AlterModelOptions(
            name="plan",
            options={
                "ordering": ["tier__position", "price_cents"],
                "verbose_name": "plan",
                "verbose_name_plural": "plans",
            },
        ),
    ]
