from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('members', '0018_term_log'),
    ]

    operations = [
        migrations.AlterField(
            model_name='writekey',
            name='scopes',
            field=ArrayField(base_field=models.CharField(choices=[('events', 'Events'), ('profiles', 'Profiles'), ('benefits', 'Benefits: check and use')], max_length=16), size=None, verbose_name='may send'),
        ),
    ]
