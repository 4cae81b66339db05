from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations, models
from django.db.models.functions import Right, Upper


class Migration(migrations.Migration):
    dependencies = [("members", "0003_engine")]

    operations = [
        migrations.AddIndex(
            model_name="identity",
            index=models.Index(Right("value", 4), condition=models.Q(kind="phone"), name="identity_phone_tail"),
        ),
        migrations.AddIndex(
            model_name="member",
            index=models.Index(fields=["registered_at", "id"], name="member_registered"),
        ),
        migrations.AddIndex(
            model_name="member",
            index=GinIndex(OpClass(Upper("display_name"), name="gin_trgm_ops"), name="member_name_trigram"),
        ),
    ]
