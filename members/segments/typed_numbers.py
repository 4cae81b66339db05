"""Numbers as people type them into a rule: plain digits, full-width ones included, and nothing a parser allows besides.

``5,0`` is fifty to one and five to another, ``1e40`` and ``1_000`` are notations of programs: each is refused by name.
What is no text, as numbers in JSON are, passes unchanged.
"""

import re
from typing import Any
from unicodedata import normalize

from django.utils.translation import gettext as _

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_WHOLE = re.compile(r"[0-9]+")
# So much of a text is repeated to whoever typed it.
MOST_REPEATED = 40


def plain_number(value: Any) -> Any:
    """The typed number as plain text. Raises ValueError for what is none, in the reader's language."""
    if not isinstance(value, str):
        return value
    text = normalize("NFKC", value).strip()
    if not text:
        raise ValueError(_("Write a number."))
    if not _NUMBER.fullmatch(text):
        raise ValueError(_("“%(text)s” is no number. Write it like 5 or 2.5.") % {"text": value[:MOST_REPEATED]})
    return text


def whole_number(value: Any) -> Any:
    """Alike for a number of something, which has neither sign nor decimals."""
    if not isinstance(value, str):
        return value
    text = normalize("NFKC", value).strip()
    if not text:
        raise ValueError(_("Write a number."))
    if not _WHOLE.fullmatch(text):
        raise ValueError(_("“%(text)s” is no whole number.") % {"text": value[:MOST_REPEATED]})
    return text
