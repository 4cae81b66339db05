"""Terms in a queue: an order's rows, what went back and what was voided; nothing is converted any more."""

import datetime
from importlib import import_module

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models

from members.terms.holds import HOLD_FUNCTION

# A trial that a voided purchase had closed runs on.
_EDGES = import_module("members.migrations.0003_engine").EDGE_NAMES
_MORE = ", ".join(f"'{source}>trial'" for source in ("first_paid", "highly_active", "stable", "expiring"))
GUARD = import_module("members.migrations.0009_keyed_guard").GUARD.replace(_EDGES, f"{_EDGES}, {_MORE}")

TAKEN_BACK = """
UPDATE members_membershipterm SET voided_at = closed_at WHERE close_reason = 'void';
UPDATE members_membershipterm SET refunded_at = closed_at, refunded_cents = greatest(price_cents, 0)
  WHERE close_reason = 'refund';
UPDATE members_membershipterm SET kind = 'lent', lent_until = least(ends_at, coalesce(closed_at, ends_at))
  WHERE kind = 'gift' AND plan_id IS NULL AND external_ref LIKE 'seat:%';
"""

CLOCKS = """
UPDATE members_membershipterm t SET anchor_clock = (t.starts_at AT TIME ZONE coalesce(nullif(l.time_zone, ''), %(zone)s))::time
FROM members_memberlifecycle l WHERE l.member_id = t.member_id AND t.anchor_months > 0
"""


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0030_foreseen'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="membershipterm", name="term_no_overlap"),
        migrations.RemoveIndex(model_name="membershipterm", name="term_member_given"),
        migrations.RemoveField(model_name="membershipterm", name="period"),
        migrations.RemoveField(model_name="membershipterm", name="given_until"),
        migrations.RemoveIndex(
            model_name='membershipterm',
            name='term_member_start',
        ),
        migrations.RemoveField(
            model_name='plan',
            name='switch_policy',
        ),
        migrations.AddField(
            model_name='lifecyclepolicy',
            name='refund_days',
            field=models.PositiveSmallIntegerField(default=14, verbose_name='full refunds ask for a reason after (days)'),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='anchor_clock',
            field=models.TimeField(db_default=datetime.time(0, 0), default=datetime.time(0, 0), verbose_name='local time of the chain'),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='booked_seconds',
            field=models.PositiveBigIntegerField(blank=True, help_text='Of the whole order; empty: this row is the whole order.', null=True, verbose_name='seconds booked'),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='dated_at',
            field=models.DateTimeField(blank=True, help_text='A file or the order itself gave the start.', null=True, verbose_name='not before'),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='is_automatic',
            field=models.BooleanField(db_default=False, default=False, verbose_name='renewed by itself'),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='lent_until',
            field=models.DateTimeField(blank=True, null=True, verbose_name='lent until'),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='origin',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='later_rows', to='members.membershipterm', verbose_name='first row of the order'),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='refunded_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='refunded in full'),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='refunded_cents',
            field=models.PositiveBigIntegerField(db_default=0, default=0, verbose_name='refunded'),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='trial_seconds',
            field=models.PositiveBigIntegerField(db_default=0, default=0, help_text='Unused time of the trial that this row closed, or was given.', verbose_name='seconds of a trial'),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='voided_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='voided'),
        ),
        migrations.AlterField(
            model_name='lifecycletransition',
            name='rule',
            field=models.CharField(choices=[('trial_term', 'A trial term is running'), ('trial_resumed', 'A void brought back the trial'), ('window', 'The term ends inside the reminder window and will not renew'), ('silent', 'Silent under a live term'), ('tenure', 'Long unbroken tenure with regular use'), ('active_days', 'Active on many of the last days'), ('paid_term', 'A paid, gift or compensation term is running'), ('resumed', 'Back to the state before'), ('kept', 'Still above the keep threshold'), ('settling', 'Automatic renewal is being settled'), ('lapsed', 'The last term ended recently'), ('long_gone', 'The last term ended long ago'), ('uninstalled', 'The app was uninstalled after the term ended'), ('upcoming', 'The first term is still to begin'), ('no_term', 'Never had a term'), ('all_voided', 'All terms were voided')], max_length=16, verbose_name='rule'),
        ),
        migrations.AlterField(
            model_name='memberlifecycle',
            name='target_rule',
            field=models.CharField(blank=True, choices=[('trial_term', 'A trial term is running'), ('trial_resumed', 'A void brought back the trial'), ('window', 'The term ends inside the reminder window and will not renew'), ('silent', 'Silent under a live term'), ('tenure', 'Long unbroken tenure with regular use'), ('active_days', 'Active on many of the last days'), ('paid_term', 'A paid, gift or compensation term is running'), ('resumed', 'Back to the state before'), ('kept', 'Still above the keep threshold'), ('settling', 'Automatic renewal is being settled'), ('lapsed', 'The last term ended recently'), ('long_gone', 'The last term ended long ago'), ('uninstalled', 'The app was uninstalled after the term ended'), ('upcoming', 'The first term is still to begin'), ('no_term', 'Never had a term'), ('all_voided', 'All terms were voided')], max_length=16, null=True, verbose_name='rule'),
        ),
        migrations.AlterField(
            model_name='membershipterm',
            name='close_reason',
            field=models.CharField(blank=True, choices=[('refund', 'Refunded'), ('converted', 'Converted to paid'), ('switched', 'Moved to another tier'), ('set_aside', 'Set aside, its time is kept'), ('moved', 'Moved in the queue'), ('void', 'Voided'), ('followed', 'Ended with the membership it came from')], max_length=16, verbose_name='why closed'),
        ),
        migrations.AlterField(
            model_name='membershipterm',
            name='external_ref',
            field=models.CharField(blank=True, max_length=120, null=True, verbose_name='order number'),
        ),
        migrations.AlterField(
            model_name='membershipterm',
            name='kind',
            field=models.CharField(choices=[('trial', 'Trial term'), ('paid', 'Paid'), ('gift', 'Gift'), ('compensation', 'Compensation'), ('lent', 'Lent by a seat')], max_length=16, verbose_name='kind'),
        ),
        migrations.RunSQL([TAKEN_BACK, (CLOCKS, {"zone": settings.PROJECT_TIME_ZONE})], migrations.RunSQL.noop),
        migrations.AddField(
            model_name='membershipterm',
            name='period',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(then=models.Value('empty', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), voided_at__isnull=False), default=models.Func(models.F('starts_at'), django.db.models.functions.comparison.Greatest(models.F('starts_at'), django.db.models.functions.comparison.Least(models.F('ends_at'), django.db.models.functions.comparison.Coalesce(models.F('closed_at'), models.F('ends_at')))), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()),
        ),
        migrations.AddField(
            model_name='membershipterm',
            name='given_until',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(models.Q(models.Q(('closed_at__isnull', True), ('closed_at__gt', models.F('starts_at')), _connector='OR'), ('voided_at__isnull', True), models.Q(('kind', 'trial'), _negated=True)), then=django.db.models.functions.comparison.Least(models.F('ends_at'), django.db.models.functions.comparison.Coalesce(models.F('closed_at'), models.F('ends_at')))), output_field=models.DateTimeField()), output_field=models.DateTimeField()),
        ),
        migrations.AddConstraint(
            model_name="membershipterm",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                name="term_no_overlap",
                expressions=[
                    (
                        models.ExpressionWrapper(
                            django.db.models.expressions.CombinedExpression(
                                models.F("member"), "+", models.Value(0)
                            ),
                            output_field=models.BigIntegerField(),
                        ),
                        "=",
                    ),
                    ("period", "&&"),
                ],
            ),
        ),
        migrations.AddIndex(
            model_name="membershipterm",
            index=models.Index(
                condition=models.Q(("given_until__isnull", False)), fields=["member", "given_until"],
                name="term_member_given",
            ),
        ),
        migrations.AddIndex(
            model_name='membershipterm',
            index=models.Index(fields=['member', 'starts_at'], include=('kind', 'refunded_at', 'voided_at'), name='term_member_start'),
        ),
        migrations.AddIndex(
            model_name='membershipterm',
            index=models.Index(condition=models.Q(('origin__isnull', False)), fields=['origin'], name='term_origin'),
        ),
        migrations.AddConstraint(
            model_name='membershipterm',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('close_reason', 'void'), _negated=True), ('voided_at__isnull', False), _connector='OR'), name='term_void_is_voided'),
        ),
        migrations.AddConstraint(
            model_name='membershipterm',
            constraint=models.CheckConstraint(condition=models.Q(('refunded_cents__lte', django.db.models.functions.comparison.Greatest(models.F('price_cents'), models.Value(0)))), name='term_refund_within_price'),
        ),
        migrations.AddConstraint(
            model_name='membershipterm',
            constraint=models.UniqueConstraint(condition=models.Q(('origin__isnull', True), ('voided_at__isnull', True)), fields=('external_ref',), name='term_order_once'),
        ),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
        migrations.RunSQL(HOLD_FUNCTION, "DROP FUNCTION members_hold"),
    ]
