"""Who reads a clock: found in the code's syntax, and in the SQL, templates and scripts beside it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("campaigns", "config", "entitlements", "members", "tasks_engine", "tests")

# What reads the clock on a module or class of that name: ``datetime.now``, ``timezone.localdate``, ``time.time_ns``.
METHODS = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "timezone": {"now", "localdate", "localtime"},
    "time": {"time", "time_ns", "localtime", "gmtime"},
}
# With an argument these convert what they are given.
CONVERTERS = {"localdate", "localtime", "gmtime"}
DJANGO = {"Now", "auto_now", "auto_now_add"}
SQL = re.compile(
    r"\bnow\(\)|\b(clock|statement|transaction)_timestamp\b|\bcurrent_(date|time|timestamp)\b|\blocaltimestamp\b",
    re.IGNORECASE,
)
SCRIPT = re.compile(r"\b(datetime|timezone)\.now\b|\bdate\.today\b|\btime\.time\b")
TEMPLATE = re.compile(r"{%\s*now\b")
BROWSER = re.compile(r"\bnew Date\(\)|\bDate\.now\b")


def readers() -> dict[str, list[str]]:
    """Every file that reads the system's clock, with what it reads it by."""
    found = {}
    for path in sorted(_files()):
        if reads := sorted(set(reads_of(path.suffix, path.read_text()))):
            found[path.relative_to(ROOT).as_posix()] = reads
    return found


def reads_of(suffix: str, text: str) -> Iterator[str]:
    """The words by which a file of that kind reads the clock."""
    if suffix == ".py":
        yield from _reads_of_python(ast.parse(text))
    else:
        pattern = {".sql": SQL, ".html": TEMPLATE, ".txt": TEMPLATE, ".js": BROWSER}[suffix]
        yield from (match.group() for match in pattern.finditer(text))


def _files() -> Iterator[Path]:
    for folder in CODE:
        yield from (path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".sql"))
    yield from (path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt"))
    yield from (path for path in (ROOT / "static").rglob("*.js") if "vendor" not in path.parts)


def _reads_of_python(tree: ast.Module) -> Iterator[str]:
    converts = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call) and (node.args or node.keywords)}
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    imported = dict(_imported(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in METHODS.get(_last_name(node.value), ()):
            if not (node.attr in CONVERTERS and id(node) in converts):
                yield f"{_last_name(node.value)}.{node.attr}"
        elif isinstance(node, ast.Name) and node.id in imported:
            if not (node.id in CONVERTERS and id(node) in converts):
                yield f"{node.id} of {imported[node.id]}"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django.db.models.functions"):
            yield from (alias.name for alias in node.names if alias.name in DJANGO)
        elif isinstance(node, ast.keyword) and node.arg in DJANGO:
            yield str(node.arg)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield from (match.group() for match in SQL.finditer(node.value))
            yield from (match.group() for match in SCRIPT.finditer(node.value))


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What a module has from ``time`` or ``timezone`` under a name of its own, and from where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("time", "django.utils.timezone"):
            known = METHODS[node.module.rpartition(".")[2]]
            yield from ((alias.asname or alias.name, node.module) for alias in node.names if alias.name in known)


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
