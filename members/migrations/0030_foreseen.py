"""Whom a look ahead at a version saw change, member by member."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0029_risk_spread"),
    ]

    operations = [
        migrations.CreateModel(
            name="Foresight",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("setting", models.CharField(max_length=40, verbose_name="setting")),
                ("version_id", models.BigIntegerField(verbose_name="version")),
                ("at", models.DateTimeField(verbose_name="looked")),
            ],
            options={
                "verbose_name": "look ahead",
                "verbose_name_plural": "looks ahead",
            },
        ),
        migrations.CreateModel(
            name="ForeseenChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.CharField(max_length=80)),
                ("before", models.CharField(max_length=80, verbose_name="before")),
                ("after", models.CharField(max_length=80, verbose_name="after")),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="members.member",
                        verbose_name="member",
                    ),
                ),
                (
                    "foresight",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="members.foresight",
                        verbose_name="look ahead",
                    ),
                ),
            ],
            options={
                "verbose_name": "foreseen change",
                "verbose_name_plural": "foreseen changes",
                "indexes": [
                    models.Index(fields=["foresight", "what", "before", "after", "member"], name="foreseen_figure")
                ],
            },
        ),
    ]
