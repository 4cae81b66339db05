"""Lifecycle policies know all their authors, may wait for a day, and are fixed once submitted."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.lookups
import django_fsm
from django.conf import settings
from django.db import migrations, models

from config.engine.guards import guard_versions

# Who submitted what is decided stands in the audit log only; whoever proposed it stands for them. An approver signed when
# it came into force.
FILL = """
UPDATE {table} SET submitted_at = coalesce(previewed_at, created_at), submitted_by_id = created_by_id,
  approved_at = CASE WHEN approved_by_id IS NOT NULL THEN coalesce(activated_at, previewed_at, created_at) END
WHERE status <> 'draft' AND created_by_id IS NOT NULL;
SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED
"""

# Of what is not decided yet, whoever changed or submitted it is known by the audit log.
AUTHORS = """
UPDATE {table} v SET
  changed_by = coalesce((SELECT array_agg(DISTINCT a.actor_id::bigint) FROM staff_auditentry a
    WHERE a.action = '{changed}' AND a.target_id = v.id::text AND a.actor_id IS NOT NULL), '{{}}'),
  submitted_by_id = coalesce((SELECT a.actor_id FROM staff_auditentry a
    WHERE a.action = '{submitted}' AND a.target_id = v.id::text ORDER BY a.id DESC LIMIT 1), submitted_by_id)
WHERE status IN ('draft', 'submitted');
SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED
"""


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
        ('members', '0027_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='lifecyclepolicy',
            name='policy_one_active',
        ),
        migrations.AddField(
            model_name='lifecyclepolicy',
            name='approved_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='approved'),
        ),
        migrations.AddField(
            model_name='lifecyclepolicy',
            name='changed_by',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None, verbose_name='changed by'),
        ),
        migrations.AddField(
            model_name='lifecyclepolicy',
            name='self_approval_reason',
            field=models.CharField(blank=True, db_default='', default='', max_length=500, verbose_name='why an author approved it'),
        ),
        migrations.AddField(
            model_name='lifecyclepolicy',
            name='starts_at',
            field=models.DateTimeField(blank=True, help_text='Empty: as soon as it is approved.', null=True, verbose_name='in force from'),
        ),
        migrations.AddField(
            model_name='lifecyclepolicy',
            name='submitted_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='submitted'),
        ),
        migrations.AddField(
            model_name='lifecyclepolicy',
            name='submitted_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='submitted by'),
        ),
        migrations.AlterField(
            model_name='lifecyclepolicy',
            name='status',
            field=django_fsm.FSMField(choices=[('draft', 'Draft'), ('submitted', 'Waiting for approval'), ('scheduled', 'Approved, not in force yet'), ('active', 'In force'), ('retired', 'Retired'), ('rejected', 'Rejected')], default='draft', max_length=50, protected=True, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='lifecyclepolicy',
            name='version',
            field=models.PositiveIntegerField(verbose_name='version'),
        ),
        migrations.RunSQL(FILL.format(table="members_lifecyclepolicy"), migrations.RunSQL.noop),
        migrations.RunSQL(
            AUTHORS.format(table="members_lifecyclepolicy", changed="policy.revised", submitted="policy.submitted"), migrations.RunSQL.noop
        ),
        migrations.AddConstraint(
            model_name='lifecyclepolicy',
            constraint=models.UniqueConstraint(fields=('version',), name='lifecyclepolicy_version'),
        ),
        migrations.AddConstraint(
            model_name='lifecyclepolicy',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'active')), fields=('status',), name='lifecyclepolicy_one_active'),
        ),
        migrations.AddConstraint(
            model_name='lifecyclepolicy',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'draft'), models.Q(('status__in', ['submitted', 'rejected']), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), models.Q(('approved_by__isnull', False), ('starts_at__isnull', False), ('status', 'scheduled'), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), models.Q(('status__in', ['active', 'retired']), models.Q(models.Q(('approved_by__isnull', False), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), ('created_by__isnull', True), _connector='OR')), _connector='OR'), name='lifecyclepolicy_reviewed'),
        ),
        migrations.AddConstraint(
            model_name='lifecyclepolicy',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by__isnull', True), models.Q(('self_approval_reason', ''), _negated=True), models.Q(models.Q(('approved_by', models.F('created_by')), _negated=True), models.Q(('approved_by', models.F('submitted_by')), _negated=True), django.db.models.lookups.IsNull(models.Func('changed_by', 'approved_by', function='array_position', output_field=models.IntegerField()), True)), _connector='OR'), name='lifecyclepolicy_second_person'),
        ),
        *guard_versions("members_lifecyclepolicy"),
    ]
