"""The import contracts of pyproject.toml hold, and would notice if they did not."""

import subprocess
import sys
from pathlib import Path

import pytest
from grimp import ImportGraph

from tests.import_contracts import HouseLayers, Roof, RoomOrder, Surfaces

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


def test_a_room_may_be_called_as_a_layer_is():
    assert not layers_broken(("members.rules.views", "members.rules.operations"))
    assert layers_broken(("members.rules.operations", "members.rules.views"))


def test_the_roof_is_imported_by_nobody_else():
    options = {"top": "config", "ground": ["config.staff"]}
    contract = Roof(name="roof", session_options={}, contract_options=options)
    graph = graph_of(
        ("members.views", "config.console.formats"),
        ("config.staff.models", "config.home.navigation"),
        ("members.views", "config.staff.access"),
        ("config.urls", "config.home.views"),
    )
    assert {breach.importer for breach in contract.breaches(graph)} == {"members.views", "config.staff.models"}


@pytest.fixture
def known(tmp_path):
    """``known(*lines)``: a file of breaches that are known."""

    def write(*lines: str) -> str:
        path = tmp_path / "known.txt"
        path.write_text("# known\n" + "\n".join(lines))
        return str(path)

    return write


def order_broken(known: str, *imports: tuple[str, str]) -> list[str]:
    options = {"app": "members", "layers": ["imports | exports", "tags", "people"], "beside": ["urls"], "known": known}
    contract = RoomOrder(name="rooms", session_options={}, contract_options=options)
    return [str(breach) for breach in contract.breaches(graph_of(*imports))]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("members.people.models", "members.tags.models"),
        ("members.imports.models", "members.exports.models"),
        ("members.points.models", "members.people.models"),
    ],
    ids=["upwards", "to a neighbour", "from a room that no line names"],
)
def test_a_room_that_imports_out_of_order_is_a_breach(known, importer, imported):
    assert order_broken(known(), (importer, imported))


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("members.tags.models", "members.people.models"),
        ("members.tags.models", "members.tags.rules"),
        ("members.urls", "members.tags.console"),
        ("members.people.models", "config.engine.clock"),
    ],
)
def test_a_room_knows_lower_rooms_and_the_ground(known, importer, imported):
    assert not order_broken(known(), (importer, imported))


def test_a_known_breach_is_suffered_and_a_mended_one_must_leave_the_list(known):
    upwards = ("members.people.models", "members.tags.models")
    line = "members.people.models -> members.tags.models"
    assert not order_broken(known(line), upwards)
    (left,) = order_broken(known(line), ("members.tags.models", "members.people.models"))
    assert "take the line out" in left


def surfaces_broken(known: str, *imports: tuple[str, str]) -> list[str]:
    options = {
        "apps": ["members"],
        "surfaces": ["console", "api"],
        "tools": ["config.console: console hooks", "config.api: api"],
        "loaders": ["members.models"],
        "known": known,
    }
    contract = Surfaces(name="surfaces", session_options={}, contract_options=options)
    return [str(breach) for breach in contract.breaches(graph_of(*imports))]


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("members.tags.api.views", "members.tags.console.pages"),
        ("members.tags.operations", "config.console.lists"),
        ("members.tags.console.views", "config.api.problems"),
        ("members.tags.operations", "members.models"),
    ],
    ids=["from api to console", "console's tools", "api's tools", "the loader"],
)
def test_a_surface_that_is_not_ones_own_is_a_breach(known, importer, imported):
    assert surfaces_broken(known(), (importer, imported))


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("members.tags.console.views", "config.console.lists"),
        ("members.tags.hooks", "config.console.panels"),
        ("members.tags.hooks", "members.tags.console.pages"),
        ("members.tags.api.views", "config.api.problems"),
        ("members.value.console.views", "members.tags.console.pages"),
    ],
)
def test_a_surface_has_its_own_tools(known, importer, imported):
    assert not surfaces_broken(known(), (importer, imported))
