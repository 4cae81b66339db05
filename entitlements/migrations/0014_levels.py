import django.contrib.postgres.fields
from django.db import migrations, models

from entitlements.benefits.querysets.levels import BEST_LEVEL_FUNCTION

# The levels that a ladder gives by now, the better the higher the tier.
FROM_THE_LADDER = """
UPDATE entitlements_benefit b SET levels = q.levels
FROM (
  SELECT g.benefit_id, array_agg(g.level ORDER BY g.position, g.level) AS levels
  FROM (
    SELECT l.benefit_id, l.level, min(l.position) AS position
    FROM (
      SELECT c.benefit_id, c.level, coalesce(t.position, -1) AS position
      FROM entitlements_tierbenefit c LEFT JOIN members_tier t ON t.id = c.tier_id
      UNION ALL
      SELECT a.benefit_id, a.level, t.position
      FROM entitlements_planbenefit a JOIN members_plan p ON p.id = a.plan_id JOIN members_tier t ON t.id = p.tier_id
      UNION ALL
      SELECT benefit_id, level, 32767 FROM entitlements_packbenefit
    ) l
    WHERE l.level <> '' GROUP BY 1, 2
  ) g
  GROUP BY 1
) q
WHERE q.benefit_id = b.id"""


class Migration(migrations.Migration):
    dependencies = [("entitlements", "0013_late_uses")]

    operations = [
        migrations.AddField(
            model_name="benefit",
            name="levels",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40),
                blank=True,
                default=list,
                help_text="From the worst to the best, such as 720p, 1080p, 4K, or 0.95, 0.88.",
                size=None,
                verbose_name="levels",
            ),
        ),
        migrations.AlterField(
            model_name="planbenefit",
            name="level",
            field=models.CharField(
                blank=True, help_text="One of the benefit's levels.", max_length=40, verbose_name="level"
            ),
        ),
        migrations.AlterField(
            model_name="packbenefit",
            name="level",
            field=models.CharField(
                blank=True, help_text="One of the benefit's levels.", max_length=40, verbose_name="level"
            ),
        ),
        migrations.AlterField(
            model_name="tierbenefit",
            name="level",
            field=models.CharField(
                blank=True, help_text="One of the benefit's levels.", max_length=40, verbose_name="level"
            ),
        ),
        migrations.RunSQL(BEST_LEVEL_FUNCTION, "DROP FUNCTION entitlements_best_level"),
        migrations.RunSQL(FROM_THE_LADDER, migrations.RunSQL.noop),
    ]
