"""A lifecycle row may come back as it was; what an undone merge could not give back is seen to by a person."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARD = import_module("members.migrations.0031_terms_queue").GUARD
FIRST = "t.member_id = n.member_id AND t.from_state IS NULL AND t.to_state = n.lifecycle_state"
# An undone merge puts back the row of the member who was merged, whose last move need not be the first.
LOGGED = GUARD.replace(FIRST, "t.member_id = n.member_id AND t.to_state = n.lifecycle_state")


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0032_failed_renewals'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(LOGGED, GUARD),
        migrations.AddField(
            model_name='mergerecord',
            name='checked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='seen to'),
        ),
        migrations.AddField(
            model_name='mergerecord',
            name='checked_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='seen to by'),
        ),
        migrations.AddIndex(
            model_name='mergerecord',
            index=models.Index(condition=models.Q(('checked_at__isnull', True), ('kept__has_key', 'surplus'), ('undone_at__isnull', False)), fields=['undone_at'], name='merge_surplus'),
        ),
    ]
