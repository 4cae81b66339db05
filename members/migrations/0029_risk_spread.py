"""The churn risk says how far its figures spread over random splits, not those of one."""

from django.db import migrations, models

# What ``manage.py evaluate_risk`` prints for the weights this version came with.
SHIPPED = {"splits": 100, "auc_low": 0.8178, "auc_high": 0.8384, "brier_low": 0.1383, "brier_high": 0.1467}


def spread_of_the_first(apps, schema_editor):
    """The evaluation the weights came with; others were of one split, and are measured again by whoever wants them."""
    evaluations = apps.get_model("members", "ModelEvaluation").objects
    evaluations.exclude(seed=2026, weights_version="a602b99a28a1").delete()
    evaluations.update(**SHIPPED)


class Migration(migrations.Migration):
    dependencies = [("members", "0028_reviewed")]

    operations = [
        *(
            migrations.AddField(
                model_name="modelevaluation", name=name, field=kind(verbose_name=label, default=0), preserve_default=False
            )
            for name, kind, label in (
                ("splits", models.PositiveSmallIntegerField, "random splits"),
                ("auc_low", models.FloatField, "AUC, from"),
                ("auc_high", models.FloatField, "AUC, to"),
                ("brier_low", models.FloatField, "Brier score, from"),
                ("brier_high", models.FloatField, "Brier score, to"),
            )
        ),
        migrations.RunPython(spread_of_the_first, migrations.RunPython.noop),
    ]
