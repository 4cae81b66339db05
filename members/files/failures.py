"""What can stop a whole file: a code with parameters, told to a person by ``wording``."""

from typing import Any


class ImportRefused(Exception):
    """The file cannot be read or written as it is; ``code`` and ``detail`` say why, without personal data."""

    def __init__(self, code: str, **detail: Any) -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)
