"""Liquid over plain facts, in a sandbox, and once for everybody of whom the same is said.

Liquid takes about a millisecond a message, and at a cadence's hour thousands of messages differ in the member's name
and her link alone. A template that only prints these two, or asks whether there is a name, is rendered once for all
of them with a mark in their place. Every other template is rendered for each.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate, DictLoader, Environment, StrictUndefined
from liquid.exceptions import LiquidError
from markupsafe import escape

from campaigns.models import TemplateVersion

# Characters of the private use area: neither escaped nor blank.
_NAME, _LINK = "\ue000n\ue001", "\ue000l\ue001"
_MARK = re.compile("\ue000([nl])\ue001")

_LINE_END = re.compile("\r\n?")
_PRINTED = re.compile(r"\{\{-?\s*(?:member\.name|links\.unsubscribe)\s*-?\}\}")
_ASKED = re.compile(r"\{%-?\s*(?:if|elsif|unless)\s+member\.name\s*(?:!=|==)\s*(?:''|\"\")\s*-?%\}")
# Another use of the two, what may do something with text already printed, and names put together from parts.
_OTHER_USE = re.compile(r"\b(?:member|links|capture|ifchanged)\b|\[")
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


class _Sandbox(Environment):
    """No files to include, no unknown names, an end to loops, depth and output."""

    loop_iteration_limit = 1_000
    output_stream_limit = 200_000
    local_namespace_limit = 200_000
    context_depth_limit = 20


_TEXT = _Sandbox(loader=DictLoader({}), undefined=StrictUndefined, autoescape=False)
_HTML = _Sandbox(loader=DictLoader({}), undefined=StrictUndefined, autoescape=True)


class CopyError(Exception):
    """A template does not render with the facts at hand. Carries no facts: they are personal data."""


@dataclass(frozen=True)
class Copy:
    """A version's subject, text and HTML, parsed; ``is_shared`` when the words are the same but for name and link."""

    subject: BoundTemplate
    text: BoundTemplate
    html: BoundTemplate | None
    is_shared: bool

    def render(self, facts: dict[str, Any]) -> tuple[str, str, str]:
        """Subject, text and HTML ('' without one). Raises CopyError."""
        try:
            return (
                self.subject.render(**facts),
                self.text.render(**facts),
                self.html.render(**facts) if self.html else "",
            )
        except LiquidError as error:
            raise CopyError(type(error).__name__) from error


def parse(subject: str, body_text: str, body_html: str) -> Copy:
    """Parse a version's three templates. Raises CopyError on a syntax error."""
    try:
        return Copy(
            _TEXT.from_string(subject),
            _TEXT.from_string(body_text),
            _HTML.from_string(body_html) if body_html else None,
            all(map(_only_prints, (subject, body_text, body_html))),
        )
    except LiquidError as error:
        raise CopyError(type(error).__name__) from error


def render(version_id: int, facts: dict[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML of a template version for one member. Raises CopyError.

    ``facts`` are plain; ``member.name`` and ``links.unsubscribe`` are hers, the rest may be everybody's.
    """
    copy = _parsed(version_id)
    name, link = facts["member"]["name"], facts["links"]["unsubscribe"]
    # A missing name is the template's to complain about.
    if not copy.is_shared or not isinstance(name, str):
        return copy.render(facts)
    common = json.dumps(
        {**facts, "member": {**facts["member"], "name": _NAME if name else ""}, "links": {"unsubscribe": _LINK}}
    )
    # Somebody else's text that looks like a mark.
    if common.count("\\ue000") != (2 if name else 1):
        return copy.render(facts)
    subject, text, html = _shared(version_id, common)
    # Liquid prints every kind of line end as one.
    name, link = (_LINE_END.sub("\n", said) for said in (name, link))
    plain, escaped = {"n": name, "l": link}, {"n": str(escape(name)), "l": str(escape(link))}
    return _filled(subject, plain), _filled(text, plain), _filled(html, escaped)


def _only_prints(source: str) -> bool:
    """Whether a template does no more with name and link than print them and ask whether there is a name."""
    tags = _TAG.findall(_ASKED.sub("", _PRINTED.sub("", source)))
    return "\ue000" not in source and not any(map(_OTHER_USE.search, tags))


@lru_cache(maxsize=512)
def _parsed(version_id: int) -> Copy:
    version = TemplateVersion.objects.get(pk=version_id)
    return parse(version.subject, version.body_text, version.body_html)


@lru_cache(maxsize=4_096)
def _shared(version_id: int, facts: str) -> tuple[list[str], list[str], list[str]]:
    """The words around the marks: text and mark letters in turn."""
    subject, text, html = (_MARK.split(words) for words in _parsed(version_id).render(json.loads(facts)))
    return subject, text, html


def _filled(pieces: list[str], hers: dict[str, str]) -> str:
    return "".join(hers[piece] if n % 2 else piece for n, piece in enumerate(pieces))
