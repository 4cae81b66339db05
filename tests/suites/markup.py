"""A page as a tree, and what it says in figures: links that carry one, and lists whose rows can be counted.

The contract of the templates: a link that shows a count says it in ``data-count``; the list it leads to is a table or
list with ``data-rows``, whose pages go on at ``rel="next"``; a page that says how many there are says it in
``data-total``. A count that stops at a limit ends in ``+``; a number that counts nothing, such as a year, is ``none``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "use", "wbr"}
FIGURE = re.compile(r"[0-9][0-9,]*\+?")


@dataclass
class Element:
    """An element of a page with what is in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    parent: "Element | None" = None
    children: list["Element"] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def walk(self) -> Iterator["Element"]:
        """Every element inside, in the order of the page."""
        for child in self.children:
            yield child
            yield from child.walk()

    @property
    def text(self) -> str:
        """All text inside, without what only screen readers hear."""
        parts = [*self.texts, *(child.text for child in self.children if not child.is_only_heard)]
        return " ".join(" ".join(parts).split())

    @property
    def is_only_heard(self) -> bool:
        return "visually-hidden" in self.attributes.get("class", "").split()

    @property
    def figures(self) -> list[str]:
        """The numbers in it that stand alone: as all of its text, or of an element in it."""
        return [part.text for part in (self, *self.walk()) if not part.is_only_heard and FIGURE.fullmatch(part.text)]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = self.here = Element("page")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs}, self.here)
        self.here.children.append(made)
        if tag not in VOID:
            self.here = made

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.children.append(Element(tag, {name: value or "" for name, value in attrs}, self.here))

    def handle_endtag(self, tag: str) -> None:
        at: Element | None = self.here
        while at is not None and at.tag != tag:
            at = at.parent
        if at is not None and at.parent is not None:
            self.here = at.parent

    def handle_data(self, data: str) -> None:
        self.here.texts.append(data)


def read_page(html: str) -> Element:
    """The page as a tree."""
    reader = _Reader()
    reader.feed(html)
    return reader.root


def figures_in(link: Element) -> set[str]:
    """What the figures of a link say, written as ``data-count`` is."""
    return {figure.replace(",", "") for figure in link.figures}


def links_with_count(page: Element) -> list[Element]:
    return [link for link in page.walk() if link.tag == "a" and link.attributes.get("data-count", "none") != "none"]


def unmarked_figures(page: Element) -> list[Element]:
    """Links that show a number, and do not say that it is a count."""
    return [
        link
        for link in page.walk()
        if link.tag == "a" and "href" in link.attributes and "data-count" not in link.attributes and link.figures
    ]


def lists_of(page: Element, fragment: str = "") -> list[Element]:
    """The lists of a page; with a fragment of an address, those of the part it names."""
    part = page
    if fragment:
        named = [element for element in page.walk() if element.attributes.get("id") == fragment]
        part = named[0] if named else Element("nothing")
        while part.parent is not None and part.tag not in ("section", "div", "table", "ul", "ol"):
            part = part.parent
    return [element for element in (part, *part.walk()) if "data-rows" in element.attributes]


def rows_of(found: Element) -> int:
    """How many rows a list shows."""
    inside = (
        [child for body in found.children if body.tag == "tbody" for child in body.children]
        if found.tag == "table"
        else found.children
    )
    return sum(row.tag in ("tr", "li") for row in inside)


def next_of(page: Element) -> str:
    """Where the list goes on; nowhere where it is empty."""
    return next((link.attributes["href"] for link in page.walk() if link.attributes.get("rel") == "next"), "")


def totals_of(page: Element) -> list[str]:
    return [element.attributes["data-total"] for element in page.walk() if "data-total" in element.attributes]
