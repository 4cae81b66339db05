"""Money is reckoned in ``config/engine/money.py`` alone: no other code knows how many minor units a currency has."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.forms import BaseForm
from django.urls import get_resolver

from config.console.fields import MoneyField

ROOT = Path(__file__).resolve().parents[2]
APPS = ("campaigns", "config", "entitlements", "members", "tasks_engine")
OWN = {"config/engine/money.py", "config/engine/numbers.py"}
SOURCES = sorted(
    path
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if path.relative_to(ROOT).as_posix() not in OWN and "migrations" not in path.parts
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))

MONEY = re.compile(r"cents|minor|major|price|amount|revenue|money|spent|charge|worth|cost|budget|paid", re.I)
# A share of an amount is no change of its unit.
SHARE = re.compile(r"percent|share|rate\b|ratio", re.I)
IN_SQL = (
    re.compile(r"(numeric|cents|price|revenue|amount|charges?)\b[\w)\]\"' ]*[*/]\s*100(?!\d)"),
    re.compile(r"(?<![\w.])100(\.0)?\s*\*\s*\(?[\w.]*(cents|price|revenue|amount|charge|attributes)"),
)
TWO_DECIMALS = re.compile(r"%\.2f|\{[^{}]*:,?\.2f\}")
IN_TEMPLATE = re.compile(r"(cents|price)[^%}]*\|(floatformat|div|num|stringformat)")
# Python's ways of moving two decimals. Where they are about no money, that is said here.
MOVES_DECIMALS = {"quantize", "scaleb"}


def findings(text: str) -> Iterator[str]:
    """What in a module reckons with hundredths or writes an amount by itself, as ``line: source``."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.FloorDiv):
            source = ast.unparse(node)
            sides = {ast.unparse(node.left), ast.unparse(node.right)}
            is_hundred = sides & {"100", "100.0", "Decimal(100)", "Decimal('100')", "10 ** 2"}
            if is_hundred and MONEY.search(source) and not SHARE.search(source):
                yield f"{node.lineno}: {source}"
        elif isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            source = ast.unparse(node)
            if re.search(r"\.\d+f", source) and MONEY.search(ast.unparse(node.value)):
                yield f"{node.lineno}: {source}"
        elif isinstance(node, ast.Attribute) and node.attr in MOVES_DECIMALS:
            yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            patterns = (*IN_SQL, TWO_DECIMALS)
            yield from (f"{node.lineno}: {m[0]}" for pattern in patterns for m in pattern.finditer(node.value))
        elif isinstance(node, ast.Import | ast.ImportFrom) and "babel.numbers" in ast.unparse(node):
            yield f"{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_leaves_money_to_its_module(path: Path):
    text = path.read_text(encoding="utf-8")
    assert [f"{path.relative_to(ROOT)}:{found}" for found in findings(text)] == []


def test_forms_read_amounts_with_the_money_field():
    """Every field of an amount, of any form that is loaded with the pages."""
    get_resolver().url_patterns  # noqa: B018
    forms = list(_below(BaseForm))
    fields = {
        (form.__module__, form.__qualname__, name): field
        for form in forms
        if form.__module__.partition(".")[0] in APPS
        for name, field in getattr(form, "base_fields", {}).items()
        if re.search(r"cents$|price|amount_off|budget", name)
    }
    assert len(fields) > 5
    assert [name for name, field in fields.items() if not isinstance(field, MoneyField)] == []


def test_no_text_speaks_of_cents():
    """People read amounts, never minor units."""
    texts = (ROOT / "config/locale/zh_Hans/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    assert re.findall(r'^"?.*\bcents\b.*$|.*（分）.*|.*以分计.*', texts, re.M) == []


def _below(kind: type) -> Iterator[type]:
    for sub in kind.__subclasses__():
        yield sub
        yield from _below(sub)


def test_templates_write_amounts_with_the_money_tag():
    found = [f"{path.relative_to(ROOT)}: {m[0]}" for path in TEMPLATES for m in IN_TEMPLATE.finditer(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    "wrong",
    [
        'x = f"{cents / 100:.2f}"',
        "x = int(amount * 100)",
        "x = Decimal(price_cents) / Decimal(100)",
        "most = MAX_CENTS // 100",
        "sql = \"round((j.said ->> 'revenue')::numeric * 100)::bigint AS value_cents\"",
        'sql = "THEN 100 * (m.attributes ->> %s)::numeric END"',
        'x = f"{price:.2f} yuan"',
        'x = "%.2f" % price',
        'x = "{:,.2f}".format(price)',
        "x = minor.scaleb(-2)",
        "x = price.quantize(Decimal('0.01'))",
        "from babel.numbers import format_currency",
    ],
)
def test_what_it_looks_for_is_found(wrong: str):
    assert list(findings(wrong))


@pytest.mark.parametrize(
    "right",
    ["off = price * percent // 100", "width = count / total * 100", "x = f'{share * 100:.1f}%'", "cost = cents * 12"],
)
def test_what_is_no_change_of_unit_is_left_alone(right: str):
    assert not list(findings(right))
