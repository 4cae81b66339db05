"""The content security policy forbids inline script and style, so no template may hold any."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(
    path
    for folder in ("templates", "campaigns", "config", "entitlements", "members", "tasks_engine")
    for path in (ROOT / folder).rglob("*.html")
)
# The words of an email go through mail programs, which know no policy and need their styles in place.
EMAIL = re.compile(r"templates/campaigns/email/")

FORBIDDEN = {
    "a style attribute": re.compile(r"<[^>{%]*?\sstyle\s*=", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "an event attribute": re.compile(r"<[a-z][^>]*?\son[a-z]+\s*=", re.I),
    "an inline script": re.compile(r"<script\b(?![^>]*\ssrc\s*=)(?![^>]*type=\"application/json\")", re.I),
    "a script body": re.compile(r"<script\b[^>]*\ssrc\s*=[^>]*>\s*[^<\s]", re.I),
    "a javascript: address": re.compile(r"javascript:", re.I),
    "a file from elsewhere": re.compile(r"(?:src|href)\s*=\s*[\"'](?:https?:)?//[^\"']+\.(?:js|css|woff2?)", re.I),
    "hx-on, which is an event attribute": re.compile(r"\shx-on[:\-]", re.I),
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_template_holds_nothing_inline(path: Path):
    if EMAIL.search(path.as_posix()):
        return
    text = path.read_text(encoding="utf-8")
    found = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {what}"
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    "markup",
    [
        '<p style="color:red">',
        "<style>p{}</style>",
        '<a href="#" onclick="go()">',
        "<script>go()</script>",
        '<script src="x.js">go()</script>',
        '<a href="javascript:go()">',
        '<script src="https://cdn.example.com/x.js"></script>',
        '<div hx-on:click="go()">',
    ],
)
def test_each_kind_would_be_noticed(markup: str):
    assert any(pattern.search(markup) for pattern in FORBIDDEN.values())


@pytest.mark.parametrize(
    "markup",
    [
        '<script type="module" src="{% static "js/menu.js" %}"></script>',
        '<script id="x" type="application/json">{}</script>',
        '<p data-once="1" class="style">',
        '<link rel="stylesheet" href="{% static "css/base.css" %}">',
    ],
)
def test_what_is_allowed_is_let_through(markup: str):
    assert not any(pattern.search(markup) for pattern in FORBIDDEN.values())
