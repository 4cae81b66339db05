"""Why something is not done. The rooms' ``words.py`` have the sentences for people."""

from typing import Any


class Refused(Exception):
    """The act does not apply to the thing as it is now; ``code`` says why, ``detail`` with what, without personal data.

    Nothing was written: operations raise it inside their transaction. A code is unique within its room; where pages
    of one room show refusals of another, ``texts_of`` of both are asked.
    """

    def __init__(self, code: str, **detail: Any) -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)
