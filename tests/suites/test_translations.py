"""Everything a person reads is in the catalogue, in Chinese, and compiled; no page holds words of its own."""

import ast
import os
import re
from pathlib import Path

import polib
import pytest
from django.utils import translation

from config.staff.access import Role
from members.lifecycle.lifecycle import Stage, State
from tests import check_translations as catalogue

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def test_every_text_is_in_chinese():
    assert catalogue.catalogue_faults(polib.pofile(str(catalogue.CATALOGUE))) == []


def test_the_compiled_catalogue_is_fresh():
    assert catalogue.compiled_faults() == []


def test_the_catalogue_holds_what_is_said_and_nothing_else():
    if not catalogue.can_extract():
        assert not os.environ.get("CI"), "gettext is missing: sudo apt-get install -y gettext"
        pytest.skip("gettext is missing, so texts cannot be extracted: sudo apt-get install -y gettext")
    assert catalogue.extraction_faults() == []


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (polib.POEntry(msgid="Renew", msgstr=""), "untranslated"),
        (polib.POEntry(msgid="Renew", msgstr="续费", flags=["fuzzy"]), "fuzzy"),
        (polib.POEntry(msgid="Renew", msgstr="Renew"), "still not Chinese"),
        (polib.POEntry(msgid="%(n)s days", msgstr="天"), "other placeholders"),
    ],
)
def test_each_fault_would_be_noticed(entry: polib.POEntry, fault: str):
    po = polib.POFile()
    po.append(entry)
    assert [line.split(":")[0] for line in catalogue.catalogue_faults(po)] == [fault]


def test_texts_are_marked_by_names_that_are_looked_for():
    """What is marked by another name, such as ``gettext_lazy as _lazy``, is not extracted, and stays English."""
    found = [
        f"{path.relative_to(ROOT)}: {alias.name} as {alias.asname}"
        for app in ("config", "members", "entitlements", "tasks_engine", "campaigns")
        for path in (ROOT / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for alias in node.names
        if "gettext" in alias.name and alias.asname not in (None, "_")
    ]
    assert found == []


def test_the_business_reads_its_own_words():
    with translation.override("zh-hans"):
        assert [str(state.label) for state in State] == [
            "潜在用户", "试用用户", "首次付费用户", "高活跃会员", "稳定会员", "临期会员", "过期会员", "流失用户",
        ]  # fmt: skip
        assert [str(stage.label) for stage in Stage] == ["认知期", "转化期", "成长期", "稳定期", "流失期"]
        assert all(catalogue.CHINESE.search(str(role.label)) for role in Role)


# Not for translation: names of keys, formats and the two languages themselves.
PLAIN_WORDS = {"Alt", "Esc", "Ctrl", "Enter", "CSV", "XLSX", "UTF-8", "GB18030", "SHA-256", "Message-ID"} | {
    "English", "EN", "简体中文", "中",
}  # fmt: skip
BLOCK = re.compile(r"{%\s*blocktrans(?:late)?\b.*?{%\s*endblocktrans(?:late)?\s*%}", re.S)
COMMENT = re.compile(r"{%\s*comment\b.*?{%\s*endcomment\s*%}|{#.*?#}|<!--.*?-->", re.S)
TAG = re.compile(r"{%.*?%}|{{.*?}}", re.S)
SPOKEN_ATTRIBUTE = re.compile(r"\b(?:title|alt|placeholder|aria-label|label)\s*=\s*\"([^\"]*)\"")
ELEMENT = re.compile(r"<[^<>]*>", re.S)
WORD = re.compile(r"[A-Za-z]{2,}[A-Za-z0-9-]*|[\u3400-\u9fff]+")


def words_of_its_own(markup: str) -> list[str]:
    """Words in a template that no translation tag holds: between the elements, and in attributes people hear."""
    text = BLOCK.sub(" ", COMMENT.sub(" ", markup))
    text = TAG.sub("\0", text)
    spoken = " ".join(SPOKEN_ATTRIBUTE.findall(text))
    seen = ELEMENT.sub(" ", re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.S))
    entities = re.compile(r"&\w+;")
    return [word for word in WORD.findall(entities.sub(" ", f"{spoken} {seen}")) if word not in PLAIN_WORDS]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_template_has_no_words_of_its_own(path: Path):
    assert words_of_its_own(path.read_text(encoding="utf-8")) == []


def test_a_word_left_in_a_template_would_be_noticed():
    assert words_of_its_own("<p class='x'>Hello {{ name }}</p>") == ["Hello"]
    assert words_of_its_own('<p title="Hello">{% translate "Hi" %}</p>') == ["Hello"]
    assert words_of_its_own("<p>会员</p>") == ["会员"]
    assert words_of_its_own('<p>{% translate "Hi" %} {% blocktranslate %}Hello{% endblocktranslate %}</p>') == []
