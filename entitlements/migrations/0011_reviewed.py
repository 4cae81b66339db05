"""Ladder, tier policies and restore rules know all their authors and are fixed once submitted; rules are reviewed."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.lookups
import django_fsm
from django.conf import settings
from django.db import migrations, models

from config.engine.guards import guard_parts, guard_versions

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

# One person saved a rule and the newest was in force: what was so before there was a review.
RULES_FILL = """
UPDATE entitlements_restorerule SET activated_at = created_at, submitted_at = created_at,
  submitted_by_id = created_by_id, approved_by_id = created_by_id, approved_at = created_at,
  self_approval_reason = CASE WHEN created_by_id IS NULL THEN '' ELSE 'Saved before rules were reviewed' END,
  status = CASE version WHEN (SELECT max(version) FROM entitlements_restorerule) THEN 'active' ELSE 'retired' END;
UPDATE entitlements_restorerule SET submitted_at = NULL WHERE created_by_id IS NULL;
SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED
"""

OF_LADDER = "SELECT submitted_at FROM entitlements_ladderversion WHERE id = $1"
OF_POLICY = "SELECT submitted_at FROM entitlements_qualificationpolicy WHERE id = $1"
OF_RUNG = (
    "SELECT p.submitted_at FROM entitlements_tierrung r "
    "JOIN entitlements_qualificationpolicy p ON p.id = r.policy_id WHERE r.id = $1"
)


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
        ('entitlements', '0010_guards'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='ladderversion',
            name='ladder_one_active',
        ),
        migrations.RemoveConstraint(
            model_name='qualificationpolicy',
            name='qualification_one_active',
        ),
        migrations.AddField(
            model_name='ladderversion',
            name='approved_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='approved'),
        ),
        migrations.AddField(
            model_name='ladderversion',
            name='changed_by',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None, verbose_name='changed by'),
        ),
        migrations.AddField(
            model_name='ladderversion',
            name='self_approval_reason',
            field=models.CharField(blank=True, db_default='', default='', max_length=500, verbose_name='why an author approved it'),
        ),
        migrations.AddField(
            model_name='ladderversion',
            name='submitted_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='submitted'),
        ),
        migrations.AddField(
            model_name='ladderversion',
            name='submitted_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='submitted by'),
        ),
        migrations.AddField(
            model_name='qualificationpolicy',
            name='approved_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='approved'),
        ),
        migrations.AddField(
            model_name='qualificationpolicy',
            name='changed_by',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None, verbose_name='changed by'),
        ),
        migrations.AddField(
            model_name='qualificationpolicy',
            name='self_approval_reason',
            field=models.CharField(blank=True, db_default='', default='', max_length=500, verbose_name='why an author approved it'),
        ),
        migrations.AddField(
            model_name='qualificationpolicy',
            name='starts_at',
            field=models.DateTimeField(blank=True, help_text='Empty: as soon as it is approved.', null=True, verbose_name='in force from'),
        ),
        migrations.AddField(
            model_name='qualificationpolicy',
            name='submitted_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='submitted'),
        ),
        migrations.AddField(
            model_name='qualificationpolicy',
            name='submitted_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='submitted by'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='activated_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='in force since'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='approved_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='approved'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='approved_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='approved by'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='changed_by',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None, verbose_name='changed by'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='note',
            field=models.CharField(blank=True, max_length=200, verbose_name='what changes and why'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='preview',
            field=models.JSONField(blank=True, null=True, verbose_name='preview'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='previewed_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='previewed'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='self_approval_reason',
            field=models.CharField(blank=True, db_default='', default='', max_length=500, verbose_name='why an author approved it'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='starts_at',
            field=models.DateTimeField(blank=True, help_text='Empty: as soon as it is approved.', null=True, verbose_name='in force from'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='status',
            field=django_fsm.FSMField(choices=[('draft', 'Draft'), ('submitted', 'Waiting for approval'), ('scheduled', 'Approved, not in force yet'), ('active', 'In force'), ('retired', 'Retired'), ('rejected', 'Rejected')], default='draft', max_length=50, protected=True, verbose_name='status'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='submitted_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='submitted'),
        ),
        migrations.AddField(
            model_name='restorerule',
            name='submitted_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='submitted by'),
        ),
        migrations.AlterField(
            model_name='ladderversion',
            name='version',
            field=models.PositiveIntegerField(verbose_name='version'),
        ),
        migrations.AlterField(
            model_name='qualificationpolicy',
            name='status',
            field=django_fsm.FSMField(choices=[('draft', 'Draft'), ('submitted', 'Waiting for approval'), ('scheduled', 'Approved, not in force yet'), ('active', 'In force'), ('retired', 'Retired'), ('rejected', 'Rejected')], default='draft', max_length=50, protected=True, verbose_name='status'),
        ),
        migrations.AlterField(
            model_name='qualificationpolicy',
            name='version',
            field=models.PositiveIntegerField(verbose_name='version'),
        ),
        migrations.AlterField(
            model_name='restorerule',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='proposed by'),
        ),
        migrations.AlterField(
            model_name='restorerule',
            name='version',
            field=models.PositiveIntegerField(verbose_name='version'),
        ),
        migrations.RunSQL(RULES_FILL, migrations.RunSQL.noop),
        migrations.RunSQL(FILL.format(table="entitlements_ladderversion"), migrations.RunSQL.noop),
        migrations.RunSQL(FILL.format(table="entitlements_qualificationpolicy"), migrations.RunSQL.noop),
        migrations.RunSQL(
            AUTHORS.format(table="entitlements_ladderversion", changed="ladder.changed", submitted="ladder.submitted"), migrations.RunSQL.noop
        ),
        migrations.RunSQL(
            AUTHORS.format(table="entitlements_qualificationpolicy", changed="qualification.revised", submitted="qualification.submitted"), migrations.RunSQL.noop
        ),
        migrations.AddConstraint(
            model_name='ladderversion',
            constraint=models.UniqueConstraint(fields=('version',), name='ladderversion_version'),
        ),
        migrations.AddConstraint(
            model_name='ladderversion',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'active')), fields=('status',), name='ladderversion_one_active'),
        ),
        migrations.AddConstraint(
            model_name='ladderversion',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'draft'), models.Q(('status__in', ['submitted', 'rejected']), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), models.Q(('approved_by__isnull', False), ('starts_at__isnull', False), ('status', 'scheduled'), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), models.Q(('status__in', ['active', 'retired']), models.Q(models.Q(('approved_by__isnull', False), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), ('created_by__isnull', True), _connector='OR')), _connector='OR'), name='ladderversion_reviewed'),
        ),
        migrations.AddConstraint(
            model_name='ladderversion',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by__isnull', True), models.Q(('self_approval_reason', ''), _negated=True), models.Q(models.Q(('approved_by', models.F('created_by')), _negated=True), models.Q(('approved_by', models.F('submitted_by')), _negated=True), django.db.models.lookups.IsNull(models.Func('changed_by', 'approved_by', function='array_position', output_field=models.IntegerField()), True)), _connector='OR'), name='ladderversion_second_person'),
        ),
        migrations.AddConstraint(
            model_name='qualificationpolicy',
            constraint=models.UniqueConstraint(fields=('version',), name='qualificationpolicy_version'),
        ),
        migrations.AddConstraint(
            model_name='qualificationpolicy',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'active')), fields=('status',), name='qualificationpolicy_one_active'),
        ),
        migrations.AddConstraint(
            model_name='qualificationpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'draft'), models.Q(('status__in', ['submitted', 'rejected']), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), models.Q(('approved_by__isnull', False), ('starts_at__isnull', False), ('status', 'scheduled'), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), models.Q(('status__in', ['active', 'retired']), models.Q(models.Q(('approved_by__isnull', False), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), ('created_by__isnull', True), _connector='OR')), _connector='OR'), name='qualificationpolicy_reviewed'),
        ),
        migrations.AddConstraint(
            model_name='qualificationpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by__isnull', True), models.Q(('self_approval_reason', ''), _negated=True), models.Q(models.Q(('approved_by', models.F('created_by')), _negated=True), models.Q(('approved_by', models.F('submitted_by')), _negated=True), django.db.models.lookups.IsNull(models.Func('changed_by', 'approved_by', function='array_position', output_field=models.IntegerField()), True)), _connector='OR'), name='qualificationpolicy_second_person'),
        ),
        migrations.AddConstraint(
            model_name='restorerule',
            constraint=models.UniqueConstraint(fields=('version',), name='restorerule_version'),
        ),
        migrations.AddConstraint(
            model_name='restorerule',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'active')), fields=('status',), name='restorerule_one_active'),
        ),
        migrations.AddConstraint(
            model_name='restorerule',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'draft'), models.Q(('status__in', ['submitted', 'rejected']), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), models.Q(('approved_by__isnull', False), ('starts_at__isnull', False), ('status', 'scheduled'), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), models.Q(('status__in', ['active', 'retired']), models.Q(models.Q(('approved_by__isnull', False), ('submitted_at__isnull', False), ('submitted_by__isnull', False)), ('created_by__isnull', True), _connector='OR')), _connector='OR'), name='restorerule_reviewed'),
        ),
        migrations.AddConstraint(
            model_name='restorerule',
            constraint=models.CheckConstraint(condition=models.Q(('approved_by__isnull', True), models.Q(('self_approval_reason', ''), _negated=True), models.Q(models.Q(('approved_by', models.F('created_by')), _negated=True), models.Q(('approved_by', models.F('submitted_by')), _negated=True), django.db.models.lookups.IsNull(models.Func('changed_by', 'approved_by', function='array_position', output_field=models.IntegerField()), True)), _connector='OR'), name='restorerule_second_person'),
        ),
        *guard_versions("entitlements_ladderversion"),
        guard_parts("entitlements_tierbenefit", "version_id", OF_LADDER),
        guard_parts("entitlements_planbenefit", "version_id", OF_LADDER),
        *guard_versions("entitlements_qualificationpolicy", "marked_at", "rolled_out_at"),
        guard_parts("entitlements_tierrung", "policy_id", OF_POLICY),
        guard_parts("entitlements_tierrule", "rung_id", OF_RUNG),
        *guard_versions("entitlements_restorerule"),
    ]
