"""Models and migrations agree, and every migration can be taken back."""

from datetime import timedelta
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from config.engine import clock

POLICY = "entitlements.QualificationPolicy"
OURS = ("staff", "members", "entitlements", "tasks_engine", "campaigns", "console")


@pytest.mark.django_db
def test_no_model_change_lacks_its_migration():
    said = StringIO()
    try:
        call_command("makemigrations", "--check", "--dry-run", stdout=said, stderr=said)
    except SystemExit:
        pytest.fail(said.getvalue())


@pytest.mark.django_db
def test_every_migration_can_be_taken_back():
    graph = MigrationExecutor(connection).loader.graph
    stuck = [
        f"{label}.{name}: {operation.describe()}"
        for (label, name), migration in graph.nodes.items()
        if label in OURS and migration is not None
        for operation in graph.nodes[label, name].operations
        if not operation.reversible
    ]
    assert stuck == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("migration", "begins", "writes"),
    [
        ("entitlements.migrations.0001_core", "begin_ladder", ["entitlements.LadderVersion"]),
        ("entitlements.migrations.0002_tiers", "first_rows", [POLICY, "entitlements.TierCursor"]),
        ("entitlements.migrations.0006_memory", "begin_rules", ["entitlements.RestoreRule"]),
        ("members.migrations.0013_tags", "ship_defaults", ["members.Tag"]),
    ],
)  # fmt: skip
def test_what_an_installation_begins_with_is_of_the_shifted_clock(migration, begins, writes, settings):
    for label in writes:
        apps.get_model(label)._base_manager.all().delete()
    settings.CLOCK_OFFSET_SECONDS = timedelta(days=40).total_seconds()
    getattr(import_module(migration), begins)(apps, None)
    first = apps.get_model(writes[0])._base_manager.order_by("pk").first()
    assert abs(first.created_at - clock.now()) < timedelta(minutes=5)
