from django.db import migrations, models


class Migration(migrations.Migration):
    """A metered amount behaved as a quota in everything, and is one."""

    dependencies = [("entitlements", "0014_levels")]

    operations = [
        migrations.RunSQL(
            "UPDATE entitlements_benefit SET kind = 'quota' WHERE kind = 'metered'", migrations.RunSQL.noop
        ),
        migrations.AlterField(
            model_name="benefit",
            name="kind",
            field=models.CharField(
                choices=[("access", "Access"), ("quota", "Number or amount")],
                default="access",
                max_length=8,
                verbose_name="kind",
            ),
        ),
    ]
