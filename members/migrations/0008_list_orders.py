from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("members", "0007_event_record")]

    operations = [
        migrations.AddIndex(
            model_name="memberlifecycle",
            index=models.Index(fields=["last_active_time", "member"], name="lifecycle_last_active"),
        ),
        migrations.AddIndex(
            model_name="memberlifecycle",
            index=models.Index(
                fields=["member"],
                name="lifecycle_anomaly",
                condition=Q(target_state__isnull=False) & ~Q(lifecycle_state=F("target_state")),
            ),
        ),
    ]
