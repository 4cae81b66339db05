"""There is one class of refusals, and every code that is raised has a sentence in its room's ``words.py``."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.utils import translation

from config.engine.refusal import Refused, refusal_text
from tests.check_translations import CHINESE

ROOT = Path(__file__).resolve().parents[2]
APPS = ("config", "members", "entitlements", "tasks_engine", "campaigns")
SOURCES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py"))
# Whose refusals are told in the words of another room: those of files by whoever reads one.
WORDS_OF = {"members.segments": ("members.segments", "members.files"), "members.resources": ("members.imports",)}
# Where the code is not written at the place: it is carried on from elsewhere, under a code that is written there.
CARRIED_ON = {
    "entitlements/benefits/operations/saving.py": "of obstacles_to_archiving",
    "entitlements/offers/console/pages.py": "of a quote",
    "entitlements/offers/api/views.py": "of a quote",
    "entitlements/offers/operations/redeeming.py": "of a quote",
    "entitlements/offers/paying.py": "of a quote",
    "entitlements/offers/words.py": "the same one, with amounts",
    "members/files/words.py": "kept with the file",
    "members/imports/console/pages.py": "kept with the file",
    "members/imports/operations/uploads.py": "kept with the file",
    "members/resources.py": "kept with the file",
}


def _refusals() -> Iterator[tuple[Path, ast.expr]]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused":
                yield path.relative_to(ROOT), node.args[0]


def _codes(code: ast.expr) -> list[str]:
    if isinstance(code, ast.IfExp):
        return [*_codes(code.body), *_codes(code.orelse)]
    return [code.value] if isinstance(code, ast.Constant) else []


RAISED = sorted({(str(path), code) for path, found in _refusals() for code in _codes(found)})


@pytest.mark.parametrize(("path", "code"), RAISED)
def test_a_code_has_its_sentence_in_both_languages(path, code):
    room = ".".join(Path(path).with_suffix("").parts[:2])
    words = [import_module(f"{name}.words").REFUSALS for name in WORDS_OF.get(room, (room,))]
    texts = next((texts for texts in words if code in texts), None)
    assert texts is not None, f"{room}/words.py has no sentence for {code}"
    assert not CHINESE.search(str(texts[code]))
    with translation.override("zh-hans"):
        assert CHINESE.search(str(texts[code]))


def test_codes_are_found():
    assert {"points_closed", "budget_spent", "no_room", "unauthorized", "same_person"} <= {code for _, code in RAISED}


def test_a_code_is_written_where_it_is_raised():
    assert {str(path) for path, code in _refusals() if not _codes(code)} == CARRIED_ON.keys()


def test_there_is_one_class():
    classes = [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Refused")
    ]
    assert classes == ["config/engine/refusal.py: Refused"]


def test_the_first_words_that_know_the_code_tell_it_with_its_details():
    refused = Refused("too_large", limit_bytes=2 << 20)
    words = {"too_large": "At most %(limit)s."}
    assert refusal_text(refused, {"gone": ""}, words, {"too_large": "Too much."}) == "At most 2.0\xa0MB."
    assert refusal_text(Refused("full"), {"full": "100% taken."}) == "100% taken."
    with pytest.raises(KeyError):
        refusal_text(refused, {"gone": ""})
