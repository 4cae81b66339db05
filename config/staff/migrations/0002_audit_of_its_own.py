from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial"), ("audit", "0001_initial")]

    operations = [migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name="AuditEntry")])]
