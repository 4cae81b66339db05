"""What a page may be asked for: the parameters it reads, those its links and forms carry, and nonsense for each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import pytest
from django.core.handlers import wsgi
from django.http import QueryDict

NONSENSE = {
    "nothing": "",
    "a digit only to Unicode": "%C2%B2",
    "a full-width digit": "%EF%BC%91",
    "a NUL": "%00",
    "a number below any": "-1",
    "a number beyond bigint": "9" * 19,
    "a number beyond int()": "9" * 5_000,
    "a number beyond float": "1e400",
    "no number": "NaN",
    "half a surrogate pair": "%ED%A0%80",
    "no such day": "2026-13-45",
    "the first day": "0001-01-01",
    "the last day": "9999-12-31",
    "a long text": "x" * 10_000,
}
"""As they stand in an address, already encoded, by what is wrong with them."""

# What holds a parameter of several parts together, such as a cursor or a combination of segments.
JOINTS = "~._,|"


class RecordingQuery(QueryDict):
    """The parameters of an address, as Django reads them; whatever is asked of it is put into ``asked``."""

    asked: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def getlist(self, key: str, default: Any = None) -> list[Any]:
        self.asked.add(key)
        return super().getlist(key, default)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the parameters that requests of this test read, copies, forms and filters included."""
    names: set[str] = set()
    monkeypatch.setattr(RecordingQuery, "asked", names)
    monkeypatch.setattr(wsgi, "QueryDict", RecordingQuery)
    return names


@dataclass
class Page(HTMLParser):
    """The addresses a page leads to by GET: its links, and its forms with all their fields."""

    at: str
    addresses: list[str] = field(default_factory=list)
    form: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        for name in ("href", "hx-get"):
            if said.get(name):
                self.addresses.append(urljoin(self.at, said[name]))
        if tag == "form":
            posts = (said.get("method") or "get").lower() == "post"
            self.form = None if posts else urljoin(self.at, said.get("action") or "")
        if self.form is not None and said.get("name") and tag in ("input", "select", "textarea", "button"):
            joint = "&" if "?" in self.form else "?"
            self.addresses.append(f"{self.form}{joint}{quote(said['name'])}={quote(said.get('value') or '')}")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None


def addresses_on(html: str, at: str) -> list[str]:
    """Every address that the page at ``at`` links to or asks by a form, whole."""
    page = Page(at)
    page.feed(html)
    return page.addresses


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def written(query: dict[str, str], name: str, nonsense: str) -> str:
    """``query`` with ``name`` being ``nonsense``, which is encoded already."""
    others = [f"{quote(key)}={quote(value)}" for key, value in query.items() if key != name]
    return "?" + "&".join([*others, f"{quote(name)}={nonsense}"])


def nonsense_for(value: str) -> Iterator[tuple[str, str]]:
    """Every nonsense in place of ``value``, and in place of each of its parts where it has several."""
    yield from NONSENSE.items()
    for joint in (joint for joint in JOINTS if joint in value):
        parts = value.split(joint)
        for n in range(len(parts)):
            for what, nonsense in NONSENSE.items():
                changed = [nonsense if n == m else quote(part) for m, part in enumerate(parts)]
                yield f"{what} as part {n + 1} of {value}", joint.join(changed)


def richest(queries: Iterable[dict[str, str]], name: str) -> dict[str, str]:
    """Of the queries that carry ``name`` with a value, the one that says most besides; empty where there is none."""
    return max((query for query in queries if query.get(name)), key=len, default={})
