"""The import contracts of pyproject.toml hold, and would notice if they did not."""

import subprocess
import sys
from pathlib import Path

import pytest
from grimp import ImportGraph

from tests.import_contracts import HouseLayers, TopFloor

ROOT = Path(__file__).resolve().parents[2]


def test_import_contracts_hold():
    lint_imports = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def layers_broken(*imports: tuple[str, str]) -> list[str]:
    options = {
        "layers": ["urls", "views | admin", "forms", "operations", "models", "rules"],
        "private": ["views", "forms"],
        "pure": ["rules"],
        "impure": ["django"],
    }
    contract = HouseLayers(name="layers", session_options={}, contract_options=options)
    return [str(breach) for breach in contract.breaches(graph_of(*imports))]


def graph_of(*imports: tuple[str, str]) -> ImportGraph:
    graph = ImportGraph()
    for importer, imported in imports:
        for module in (importer, imported):
            if module not in graph.modules:
                graph.add_module(module, is_squashed="." not in module)
        graph.add_import(importer=importer, imported=imported, line_number=1, line_contents="")
    return graph


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("members.terms.operations.terms", "members.terms.console.views.terms"),
        ("members.imports.models", "members.imports.operations"),
        ("members.views.people", "members.admin"),
        ("campaigns.operations", "members.forms"),
        ("members.terms.rules", "django"),
    ],
)
def test_a_forbidden_import_is_a_breach(importer: str, imported: str):
    assert layers_broken((importer, imported))


def test_a_detour_through_an_unlayered_module_is_a_breach():
    assert layers_broken(("members.people.models", "members.labels"), ("members.labels", "members.views.people"))


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("members.views.people", "members.people.operations.people"),
        ("members.imports.tasks", "members.imports.operations"),
        ("campaigns.operations", "members.terms.operations.terms"),
        ("members.people.models", "django"),
    ],
)
def test_a_downward_import_is_none(importer: str, imported: str):
    assert not layers_broken((importer, imported))


def test_the_top_floor_is_imported_by_nobody_else():
    options = {"top": "config", "ground": "config.staff"}
    contract = TopFloor(name="top floor", session_options={}, contract_options=options)
    graph = graph_of(
        ("members.views", "config.console.formats"),
        ("config.staff.models", "config.home.navigation"),
        ("members.views", "config.staff.access"),
        ("config.urls", "config.home.views"),
    )
    assert {breach.importer for breach in contract.breaches(graph)} == {"members.views", "config.staff.models"}
