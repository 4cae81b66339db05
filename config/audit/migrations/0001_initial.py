import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """The audit log becomes an app of its own; its table stays as it is."""

    initial = True

    dependencies = [("staff", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
            migrations.CreateModel(
                name='AuditEntry',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField(db_index=True, verbose_name='at')),
                    ('action', models.CharField(max_length=64, verbose_name='action')),
                    ('target_type', models.CharField(max_length=64, verbose_name='target type')),
                    ('target_id', models.CharField(blank=True, max_length=64, verbose_name='target')),
                    ('member_id', models.BigIntegerField(blank=True, null=True, verbose_name='member')),
                    ('reason', models.TextField(blank=True, verbose_name='reason')),
                    ('data', models.JSONField(blank=True, default=dict, verbose_name='data')),
                    ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='actor')),
                ],
                options={
                    'verbose_name': 'audit entry',
                    'verbose_name_plural': 'audit log',
                    'ordering': ['-at', '-id'],
                    'db_table': 'staff_auditentry',
                    'indexes': [models.Index(fields=['member_id', '-at'], name='audit_member_at'), models.Index(fields=['target_type', 'target_id', '-at'], name='audit_target_at')],
                },
            ),
            ]
        )
    ]
