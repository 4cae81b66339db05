from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("entitlements", "0008_honours"), ("members", "0026_tier_position")]

    operations = [
        migrations.AlterModelOptions(
            name="tierrung",
            options={
                "ordering": ["tier__position"],
                "verbose_name": "tier's requirement",
                "verbose_name_plural": "tiers' requirements",
            },
        ),
    ]
