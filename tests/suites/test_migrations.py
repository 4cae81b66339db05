"""Models and migrations agree, and every migration can be taken back."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

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
