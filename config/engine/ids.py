"""Ids and other whole numbers as addresses and bodies carry them."""

import re

MOST = 2**63 - 1
"""The greatest id the database can hold."""

_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


def read_id(text: object) -> int | None:
    """The id that ``text`` names: 1 to 2⁶³−1 in plain ASCII digits. None for anything else: nothing has that id.

    A number that is an ``int`` already is held to the same bounds. The only reader of ids in addresses and bodies.
    """
    if isinstance(text, bool):
        return None
    if isinstance(text, int):
        return text if 0 < text <= MOST else None
    if not isinstance(text, str) or not _ID.fullmatch(text):
        return None
    return int(text) if int(text) <= MOST else None


def read_number(text: str, *, most: int) -> int | None:
    """The whole number that ``text`` writes: 0 to ``most`` in at most 18 plain ASCII digits. None for anything else.

    For numbers that are no ids, such as days: what ``str.isdecimal`` lets through, ``int`` may choke on.
    """
    if not _NUMBER.fullmatch(text):
        return None
    return int(text) if int(text) <= most else None
