"""A batch that PostgreSQL refuses as a whole, taken apart so that one bad message does not cost the others.

The standard library only. The text is scanned and never decoded, so no number, depth or escape in it can do harm.
"""

import re
from dataclasses import dataclass

# Deeper messages would meet PostgreSQL's stack limit, which is an error and not a verdict.
MAX_DEPTH = 500

_SENT_AT = re.compile(r'"[0-9TZ:.+ -]{1,40}"')
_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},:]', re.DOTALL)


@dataclass(frozen=True)
class Parts:
    """The texts of a batch's messages with the depth of each, and the text of ``sentAt`` (``null`` without one)."""

    messages: list[str]
    depths: list[int]
    sent_at: str


def split_batch(body: str) -> Parts | None:
    """The messages of ``{"batch": [...]}`` as they are written, or None where the text has no such shape."""
    depth, deepest, key, start = 0, 0, "", 0
    messages: list[str] = []
    depths: list[int] = []
    sent_at = "null"
    in_batch = False
    last = ""
    for found in _MARK.finditer(body):
        mark = found.group()
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if depth == 2 and key == "batch" and mark == "[":
                in_batch, start, deepest = True, found.end(), 2
        elif mark in "]},":
            ends_message = in_batch and depth == 2
            if ends_message and (text := body[start : found.start()].strip()):
                messages.append(text)
                depths.append(deepest - 2)
            if ends_message:
                start, deepest = found.end(), 2
            if depth == 1 and key == "sentAt":
                sent_at = _sent_at(body[start : found.start()])
            if mark != ",":
                depth -= 1
                in_batch = in_batch and depth >= 2
        elif mark == ":" and depth == 1:
            key, start = last[1:-1], found.end()
        last = mark
    return Parts(messages, depths, sent_at) if depth == 0 and (messages or key) else None


def _sent_at(text: str) -> str:
    return text.strip() if _SENT_AT.fullmatch(text.strip()) else "null"
